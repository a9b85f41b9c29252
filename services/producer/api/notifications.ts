import { z } from 'zod';
import {
  IDEMPOTENCY_KEY,
  MAX_BATCH_BYTES,
  acceptedSchema,
  batchAcceptedSchema,
  batchRequestSchema,
  detailOf,
  fieldErrors,
  listQuerySchema,
  notificationDetailSchema,
  notificationListSchema,
  notificationRequestSchema,
  resolveRequestSchema,
  viewOf,
  type FieldError,
} from '../../../shared/contracts/index.ts';
import {
  cancelNotification,
  getNotification,
  listNotifications,
  resolveNotification,
  retryNotification,
  type Operated,
  type Stored,
} from '../../../shared/store/index.ts';
import { fingerprintOf } from '../accept/fingerprint.ts';
import { recordOf } from '../accept/record.ts';
import type { ProducerContext } from '../context.ts';
import { operation, type Answer, type Operation } from './operation.ts';
import { Problem } from './problem.ts';

/** The caller and actor of whoever holds the key. */
const CALLER = 'api';

const idParams = z.object({ id: z.string().max(64).meta({ description: 'Id of the notification' }) });
const idempotencyHeaders = z.object({ 'idempotency-key': IDEMPOTENCY_KEY.optional() });
const TAG = 'Notifications';

/** Accepting, reading and steering notifications. */
export function notificationOperations(context: ProducerContext): Operation[] {
  const { acceptor, notifications, config } = context;
  return [
    operation({
      method: 'post',
      path: '/v1/notifications',
      id: 'createNotification',
      tag: TAG,
      summary: 'Hand over a notification',
      headers: idempotencyHeaders,
      body: notificationRequestSchema,
      answer: {
        status: 202,
        description: 'Stored: from now on it ends in exactly one state',
        schema: acceptedSchema,
      },
      problems: [
        'validation_failed',
        'malformed_json',
        'body_too_large',
        'unsupported_media_type',
        'idempotency_conflict',
      ],
      handle: async ({ body, rawBody, request }) => {
        const key = idempotencyKeyOf(request.headers['idempotency-key']);
        const origin = { caller: CALLER, ...keyed(key, rawBody) };
        return acceptedAnswer(await acceptor.accept(recordOf(body, origin, new Date())));
      },
    }),
    operation({
      method: 'get',
      path: '/v1/notifications',
      id: 'listNotifications',
      tag: TAG,
      summary: 'List notifications, newest first',
      query: listQuerySchema,
      answer: { status: 200, description: 'A page', schema: notificationListSchema },
      problems: ['validation_failed'],
      handle: async ({ query }) => {
        const page = await listNotifications(notifications, query);
        return {
          status: 200,
          body: { notifications: page.records.map(viewOf), next_cursor: page.nextCursor },
        };
      },
    }),
    operation({
      method: 'post',
      path: '/v1/notifications/batch',
      id: 'createNotifications',
      tag: TAG,
      summary: 'Hand over up to 1 000 notifications',
      headers: idempotencyHeaders,
      body: batchRequestSchema,
      maxBodyBytes: MAX_BATCH_BYTES,
      answer: {
        status: 202,
        description: 'Each item by its index: accepted or rejected',
        schema: batchAcceptedSchema,
      },
      problems: ['validation_failed', 'malformed_json', 'body_too_large', 'unsupported_media_type'],
      handle: async ({ body, request }) => {
        const key = idempotencyKeyOf(request.headers['idempotency-key']);
        const items = await Promise.all(
          body.notifications.map((item, index) => acceptItem(context, item, key && `${key}:${index}`)),
        );
        return { status: 202, body: batchAnswer(items) };
      },
    }),
    operation({
      method: 'get',
      path: '/v1/notifications/{id}',
      id: 'getNotification',
      tag: TAG,
      summary: 'One notification with its timeline',
      params: idParams,
      answer: { status: 200, description: 'The record', schema: notificationDetailSchema },
      problems: ['validation_failed', 'not_found'],
      handle: async ({ params }) => {
        const record = await getNotification(notifications, params.id);
        if (!record) throw new Problem('not_found', { detail: `There is no notification ${params.id}.` });
        return { status: 200, body: detailOf(record) };
      },
    }),
    operation({
      method: 'post',
      path: '/v1/notifications/{id}/retry',
      id: 'retryNotification',
      tag: TAG,
      summary: 'Send again by hand, from failed_permanently or outcome_unknown',
      params: idParams,
      answer: { status: 202, description: 'Pending again, with a full ladder', schema: acceptedSchema },
      problems: ['validation_failed', 'not_found', 'state_conflict'],
      handle: async ({ params }) => {
        const change = { actor: CALLER, reason: 'manual retry' };
        const operated = await retryNotification(notifications, params.id, change);
        if (operated.outcome === 'done') acceptor.publish([operated.record]);
        return operatedAnswer(operated);
      },
    }),
    operation({
      method: 'post',
      path: '/v1/notifications/{id}/cancel',
      id: 'cancelNotification',
      tag: TAG,
      summary: 'Take back what has not begun to be sent',
      params: idParams,
      answer: { status: 202, description: 'Canceled: nothing will be sent', schema: acceptedSchema },
      problems: ['validation_failed', 'not_found', 'state_conflict'],
      handle: async ({ params }) => {
        const change = { actor: CALLER, reason: 'canceled' };
        return operatedAnswer(
          await cancelNotification(notifications, params.id, change, config.RETENTION_DAYS),
        );
      },
    }),
    operation({
      method: 'post',
      path: '/v1/notifications/{id}/resolve',
      id: 'resolveNotification',
      tag: TAG,
      summary: 'Say what became of an outcome_unknown',
      params: idParams,
      body: resolveRequestSchema,
      answer: { status: 202, description: 'Resolved', schema: acceptedSchema },
      problems: [
        'validation_failed',
        'malformed_json',
        'body_too_large',
        'unsupported_media_type',
        'not_found',
        'state_conflict',
      ],
      handle: async ({ params, body }) => {
        const change = { actor: CALLER, reason: `resolved as ${body.outcome}` };
        const options = { change, retentionDays: config.RETENTION_DAYS };
        return operatedAnswer(await resolveNotification(notifications, params.id, body.outcome, options));
      },
    }),
  ];
}

/** @throws Problem when the header is no usable key. */
function idempotencyKeyOf(header: string | string[] | undefined): string | undefined {
  if (header === undefined) return undefined;
  const result = IDEMPOTENCY_KEY.safeParse(header);
  if (result.success) return result.data;
  const errors = result.error.issues.map(({ message }) => ({ field: 'Idempotency-Key', message }));
  throw new Problem('validation_failed', { errors });
}

function keyed(key: string | undefined, body: unknown): { idempotencyKey?: string; fingerprint?: string } {
  return key === undefined ? {} : { idempotencyKey: key, fingerprint: fingerprintOf(body) };
}

function acceptedAnswer(stored: Stored): Answer {
  if (stored.outcome === 'conflict') throw new Problem('idempotency_conflict');
  const { _id: id, status } = stored.record;
  const replayed = stored.outcome === 'replayed' ? { 'idempotency-replayed': 'true' } : {};
  return { status: 202, body: { id, status }, headers: { location: `/v1/notifications/${id}`, ...replayed } };
}

type ItemResult = { id: string; status: string } | { errors: FieldError[] };

/** One item of a batch, under its own key, or the batch's with its index. */
async function acceptItem(
  { acceptor }: ProducerContext,
  item: unknown,
  defaultKey: string | undefined,
): Promise<ItemResult> {
  const { idempotency_key: ownKey, ...body } = isObject(item) ? item : {};
  const key = IDEMPOTENCY_KEY.optional().safeParse(ownKey ?? defaultKey);
  const parsed = notificationRequestSchema.safeParse(isObject(item) ? body : item);
  const keyErrors = key.error?.issues.map(({ message }) => ({ field: 'idempotency_key', message })) ?? [];
  if (!parsed.success || keyErrors.length > 0)
    return { errors: [...keyErrors, ...(parsed.error ? fieldErrors(parsed.error) : [])] };
  const stored = await acceptor.accept(
    recordOf(parsed.data, { caller: CALLER, ...keyed(key.data, body) }, new Date()),
  );
  if (stored.outcome !== 'conflict') return { id: stored.record._id, status: stored.record.status };
  return { errors: [{ field: 'idempotency_key', message: 'came with another body before' }] };
}

function batchAnswer(items: readonly ItemResult[]): object {
  const indexed = items.map((item, index) => ({ index, ...item }));
  return {
    accepted: indexed.filter((item) => 'id' in item),
    rejected: indexed.filter((item) => 'errors' in item),
  };
}

function operatedAnswer(operated: Operated): Answer {
  if (operated.outcome === 'missing')
    throw new Problem('not_found', { detail: 'There is no such notification.' });
  if (operated.outcome === 'conflict')
    throw new Problem('state_conflict', { detail: `It is ${operated.state}.`, state: operated.state });
  return { status: 202, body: { id: operated.record._id, status: operated.record.status } };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
