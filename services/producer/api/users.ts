import { z } from 'zod';
import {
  notificationListSchema,
  notificationViewSchema,
  userListQuerySchema,
  viewOf,
} from '../../../shared/contracts/index.ts';
import { countUnread, listUserNotifications, markAllRead, markRead } from '../../../shared/store/index.ts';
import type { ProducerContext } from '../context.ts';
import { operation, type Operation } from './operation.ts';
import { Problem } from './problem.ts';

const TAG = 'People';
/** The person in an address. */
export const userParams = z.object({ user_id: z.string().max(256) });
const readParams = userParams.extend({ id: z.string().max(64) });

/** One person's notifications, and their inbox. */
export function userOperations({ notifications }: ProducerContext): Operation[] {
  return [
    operation({
      method: 'get',
      path: '/v1/users/{user_id}/notifications',
      id: 'listUserNotifications',
      needs: ['read'],
      isOfUser: true,
      tag: TAG,
      summary:
        'A person’s notifications, newest first; the inbox with type=in_app. With a token of the person: what is in the inbox, only',
      params: userParams,
      query: userListQuerySchema,
      answer: { status: 200, description: 'A page', schema: notificationListSchema },
      problems: ['validation_failed'],
      handle: async ({ params, query, identity }) => {
        // What a browser holds may be stolen there: codes and links that went by other ways are not shown to it.
        const isOwn = identity.userId !== undefined;
        const page = await listUserNotifications(notifications, params.user_id, query, { onlyInbox: isOwn });
        return {
          status: 200,
          body: { notifications: page.records.map(viewOf), next_cursor: page.nextCursor },
        };
      },
    }),
    operation({
      method: 'get',
      path: '/v1/users/{user_id}/notifications/unread_count',
      id: 'countUnread',
      needs: ['read'],
      isOfUser: true,
      tag: TAG,
      summary: 'How many a person has not read in the inbox',
      params: userParams,
      answer: { status: 200, description: 'The count', schema: z.object({ unread_count: z.int() }) },
      problems: ['validation_failed'],
      handle: async ({ params }) => ({
        status: 200,
        body: { unread_count: await countUnread(notifications, params.user_id) },
      }),
    }),
    operation({
      method: 'post',
      path: '/v1/users/{user_id}/notifications/{id}/read',
      id: 'markRead',
      needs: ['send:in_app'],
      isOfUser: true,
      tag: TAG,
      summary: 'Mark one as read; twice is as good as once',
      params: readParams,
      answer: { status: 200, description: 'The notification', schema: notificationViewSchema },
      problems: ['validation_failed', 'not_found'],
      handle: async ({ params }) => {
        const record = await markRead(notifications, params.user_id, params.id);
        if (!record)
          throw new Problem('not_found', { detail: 'This person has no such notification in the inbox.' });
        return { status: 200, body: viewOf(record) };
      },
    }),
    operation({
      method: 'post',
      path: '/v1/users/{user_id}/notifications/read_all',
      id: 'markAllRead',
      needs: ['send:in_app'],
      isOfUser: true,
      tag: TAG,
      summary: 'Mark all as read',
      params: userParams,
      answer: { status: 200, description: 'How many were unread', schema: z.object({ changed: z.int() }) },
      problems: ['validation_failed'],
      handle: async ({ params }) => ({
        status: 200,
        body: { changed: await markAllRead(notifications, params.user_id) },
      }),
    }),
  ];
}
