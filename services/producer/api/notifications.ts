import { z } from 'zod';
import {
  acceptedSchema,
  detailOf,
  listQuerySchema,
  notificationAnswerSchema,
  notificationListSchema,
  notificationRequestSchema,
  viewOf,
  type Channel,
  type Notification,
  type Status,
} from '../../../shared/contracts/index.ts';
import { getNotification, listNotifications } from '../../../shared/store/index.ts';
import type { Received } from '../accept/reception.ts';
import { reachOf } from '../access/identity.ts';
import type { ProducerContext } from '../context.ts';
import { idempotencyHeaders, idempotencyKeyOf } from './idempotency.ts';
import { BODY_PROBLEMS, operation, scopeMissing, type Answer, type Operation } from './operation.ts';
import { quarantineViewOf } from '../quarantine.ts';
import { Problem } from './problem.ts';

/** The heading of these calls in the documentation. */
export const TAG = 'Notifications';

/** The id in an address. */
export const idParams = z.object({ id: z.string().max(64).meta({ description: 'Id of the notification' }) });

/** What the answer to an accepted notification says in its head. */
export const acceptedHeaders = z.object({
  Location: z.string().meta({ description: 'Where to ask for it' }),
  'Idempotency-Replayed': z
    .literal('true')
    .optional()
    .meta({ description: 'With a key that came before: this is the first answer again' }),
});

/** Accepting and reading notifications. */
export function notificationOperations({ reception, notifications }: ProducerContext): Operation[] {
  return [
    operation({
      method: 'post',
      path: '/v1/notifications',
      id: 'createNotification',
      needs: ['send'],
      isHot: true,
      tag: TAG,
      summary: 'Hand over a notification',
      headers: idempotencyHeaders,
      body: notificationRequestSchema,
      answer: {
        status: 202,
        description: 'Stored: from now on it ends in exactly one state',
        schema: acceptedSchema,
        headers: acceptedHeaders,
      },
      problems: [...BODY_PROBLEMS, 'idempotency_conflict'],
      handle: async ({ body, rawBody, headers, identity }) => {
        const keyed = { key: idempotencyKeyOf(headers['idempotency-key']), body: rawBody };
        return acceptedAnswer(body.type, await reception.receive(body, { identity, keyed }));
      },
    }),
    operation({
      method: 'get',
      path: '/v1/notifications',
      id: 'listNotifications',
      needs: ['read'],
      isLimited: true,
      tag: TAG,
      summary: 'List notifications, newest first',
      query: listQuerySchema,
      answer: { status: 200, description: 'A page', schema: notificationListSchema },
      problems: ['validation_failed', 'search_too_wide'],
      handle: async ({ query, identity }) => {
        const page = await listNotifications(notifications, query, reachOf(identity, 'read'));
        return {
          status: 200,
          body: { notifications: page.records.map(viewOf), next_cursor: page.nextCursor },
        };
      },
    }),
    operation({
      method: 'get',
      path: '/v1/notifications/{id}',
      id: 'getNotification',
      needs: ['read'],
      isLimited: true,
      tag: TAG,
      summary: 'One notification with its timeline',
      params: idParams,
      answer: { status: 200, description: 'The record', schema: notificationAnswerSchema },
      problems: ['validation_failed', 'not_found'],
      handle: async ({ params, identity }) => {
        const record = await getNotification(notifications, params.id, reachOf(identity, 'read'));
        if (!record) throw new Problem('not_found', { detail: 'There is no such notification.' });
        const entry = await notifications.quarantine.get(record._id);
        const quarantine = entry && { quarantine: quarantineViewOf(entry) };
        return { status: 200, body: { ...detailOf(record), ...quarantine } };
      },
    }),
  ];
}

/** What its sender is told. @throws Problem when it was not taken. */
export function acceptedAnswer(
  type: Channel,
  received: Received,
): Answer & { body: ReturnType<typeof acceptedOf> } {
  if (received.outcome === 'forbidden') throw scopeMissing(`The type ${type} ${received.reason}.`);
  if (received.outcome === 'refused') throw new Problem('validation_failed', { errors: received.errors });
  if (received.outcome === 'conflict') throw new Problem('idempotency_conflict');
  const replayed = received.outcome === 'replayed' ? { 'idempotency-replayed': 'true' } : {};
  const body = acceptedOf(received.record);
  return { status: 202, body, headers: { location: `/v1/notifications/${body.id}`, ...replayed } };
}

/** What acceptance answers; a repeat gets what was answered the first time, whatever has become of it since. */
export function acceptedOf({ _id: id, timeline, status }: Notification): { id: string; status: Status } {
  return { id, status: timeline[0]?.status ?? status };
}
