import { z } from 'zod';
import {
  notificationListSchema,
  notificationViewSchema,
  readAllRequestSchema,
  userId,
  userListQuerySchema,
  viewOf,
} from '../../../shared/contracts/index.ts';
import {
  arrivalOf,
  countUnread,
  listUserNotifications,
  markAllRead,
  markRead,
} from '../../../shared/store/index.ts';
import { reachOf, type Identity } from '../access/identity.ts';
import type { ProducerContext } from '../context.ts';
import { BODY_PROBLEMS, operation, type Operation } from './operation.ts';
import { Problem } from './problem.ts';

const TAG = 'People';
/** The person in an address. */
export const userParams = z.object({ user_id: userId });
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
      isLimited: true,
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
        const page = await listUserNotifications(notifications, params.user_id, query, {
          onlyInbox: isOwn,
          ...reachOf(identity, 'read'),
        });
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
      isLimited: true,
      tag: TAG,
      summary: 'How many a person has not read in the inbox',
      params: userParams,
      answer: { status: 200, description: 'The count', schema: z.object({ unread_count: z.int() }) },
      problems: ['validation_failed'],
      handle: async ({ params, identity }) => ({
        status: 200,
        body: { unread_count: await countUnread(notifications, params.user_id, reachOf(identity, 'read')) },
      }),
    }),
    operation({
      method: 'post',
      path: '/v1/users/{user_id}/notifications/{id}/read',
      id: 'markRead',
      needs: ['read', 'send:in_app'],
      isOfUser: true,
      isLimited: true,
      tag: TAG,
      summary: 'Mark one as read; twice is as good as once',
      params: readParams,
      answer: { status: 200, description: 'The notification', schema: notificationViewSchema },
      problems: ['validation_failed', 'not_found'],
      handle: async ({ params, identity }) => {
        const record = await markRead(notifications, params.user_id, params.id, reachOf(identity, 'read'));
        if (!record)
          throw new Problem('not_found', { detail: 'This person has no such notification in the inbox.' });
        return { status: 200, body: viewOf(record) };
      },
    }),
    operation({
      method: 'post',
      path: '/v1/users/{user_id}/notifications/read_all',
      id: 'markAllRead',
      needs: ['read', 'send:in_app'],
      isOfUser: true,
      isLimited: true,
      tag: TAG,
      summary: 'Mark as read what a person has seen: all, or what was there by a time or a notification',
      params: userParams,
      body: readAllRequestSchema,
      isBodyOptional: true,
      answer: { status: 200, description: 'How many were unread', schema: z.object({ changed: z.int() }) },
      problems: BODY_PROBLEMS,
      handle: async ({ params: { user_id }, body, identity }) => {
        const upTo = await timeOf(notifications, user_id, { up_to: body.up_to, identity });
        const bounds = { upTo, ...reachOf(identity, 'read') };
        return { status: 200, body: { changed: await markAllRead(notifications, user_id, bounds) } };
      },
    }),
  ];
}

/** The time by which somebody has seen the inbox: given itself, or by the newest notification that was shown. @throws Problem */
async function timeOf(
  notifications: ProducerContext['notifications'],
  user: string,
  { up_to, identity }: { up_to: Date | string | undefined; identity: Identity },
): Promise<Date | undefined> {
  if (typeof up_to !== 'string') return up_to;
  const arrival = await arrivalOf(notifications, user, { id: up_to, ...reachOf(identity, 'read') });
  if (arrival) return arrival;
  const message = 'must be a time such as 2030-01-31T09:00:00Z, or the id of a notification in this inbox';
  throw new Problem('validation_failed', { errors: [{ field: 'up_to', message }] });
}
