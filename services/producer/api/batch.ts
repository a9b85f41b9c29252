import {
  IDEMPOTENCY_KEY,
  MAX_BATCH_BYTES,
  batchAcceptedSchema,
  batchRequestSchema,
  fieldErrors,
  notificationRequestSchema,
  type FieldError,
} from '../../../shared/contracts/index.ts';
import { ANSWER_WITHIN_MS } from '../accept/deadline.ts';
import type { Received } from '../accept/reception.ts';
import type { Identity } from '../access/identity.ts';
import type { ProducerContext } from '../context.ts';
import { idempotencyHeaders, idempotencyKeyOf } from './idempotency.ts';
import { TAG, acceptedOf } from './notifications.ts';
import { BODY_PROBLEMS, operation, type Operation } from './operation.ts';

/** Accepting many at once, each for itself. */
export function batchOperations(context: ProducerContext): Operation[] {
  return [
    operation({
      method: 'post',
      path: '/v1/notifications/batch',
      id: 'createNotifications',
      needs: ['send'],
      isHot: true,
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
      problems: BODY_PROBLEMS,
      handle: async ({ body, headers, identity }) => {
        const key = idempotencyKeyOf(headers['idempotency-key']);
        // Before it waits for room: what is not begun by then has had its 503.
        const answerBy = performance.now() + ANSWER_WITHIN_MS;
        const { notifications } = body;
        const items = await context.acceptor.bulk(notifications.length, () =>
          acceptAll(context, notifications, { key, answerBy, identity }),
        );
        return { status: 202, body: batchAnswer(items) };
      },
    }),
  ];
}

/** Items checked and stored together. The next ones are looked at when these are safe: a large batch takes less memory that way. */
const SLICE = 500;

async function acceptAll(
  context: ProducerContext,
  items: readonly unknown[],
  { key, answerBy, identity }: { key: string | undefined; answerBy: number; identity: Identity },
): Promise<ItemResult[]> {
  const results: ItemResult[] = [];
  for (let from = 0; from < items.length; from += SLICE) {
    const slice = items.slice(from, from + SLICE).map((item, index) => {
      const defaultKey = key && `${key}:${from + index}`;
      return acceptItem(context, item, { defaultKey, answerBy, identity });
    });
    results.push(...(await Promise.all(slice)));
  }
  return results;
}

type ItemResult = { id: string; status: string } | { errors: FieldError[] };

/** One item of a batch, under its own key, or the batch's with its index. */
async function acceptItem(
  { reception }: ProducerContext,
  item: unknown,
  {
    defaultKey,
    answerBy,
    identity,
  }: { defaultKey: string | undefined; answerBy: number; identity: Identity },
): Promise<ItemResult> {
  const { idempotency_key: ownKey, ...body } = isObject(item) ? item : {};
  const key = IDEMPOTENCY_KEY.optional().safeParse(ownKey ?? defaultKey);
  const parsed = notificationRequestSchema.safeParse(isObject(item) ? body : item);
  const keyErrors = key.error?.issues.map(({ message }) => ({ field: 'idempotency_key', message })) ?? [];
  if (!parsed.success || keyErrors.length > 0)
    return { errors: [...keyErrors, ...(parsed.error ? fieldErrors(parsed.error) : [])] };
  const keyed = { key: key.data, body };
  const withinMs = answerBy - performance.now();
  const received = await reception.receive(parsed.data, { identity, keyed, withinMs });
  if ('record' in received) return acceptedOf(received.record);
  return { errors: errorsOf(received) };
}

/** Why an item is not taken, by its fields. */
function errorsOf(received: Exclude<Received, { record: unknown }>): FieldError[] {
  if (received.outcome === 'refused') return received.errors;
  if (received.outcome === 'forbidden') return [{ field: 'type', message: received.reason }];
  return [{ field: 'idempotency_key', message: 'came with another body before' }];
}

function batchAnswer(items: readonly ItemResult[]): object {
  const indexed = items.map((item, index) => ({ index, ...item }));
  return {
    accepted: indexed.filter((item) => 'id' in item),
    rejected: indexed.filter((item) => 'errors' in item),
  };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
