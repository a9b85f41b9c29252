import {
  IDEMPOTENCY_KEY,
  MAX_BATCH_BYTES,
  batchAcceptedSchema,
  batchRequestSchema,
  fieldErrors,
  notificationRequestSchema,
  type FieldError,
} from '../../../shared/contracts/index.ts';
import { Turns } from '../../../shared/runtime/turns.ts';
import { RecordRefused } from '../../../shared/store/index.ts';
import { ANSWER_WITHIN_MS } from '../accept/deadline.ts';
import { fingerprintOf } from '../accept/fingerprint.ts';
import type { Received } from '../accept/reception.ts';
import type { Identity } from '../access/identity.ts';
import type { ProducerContext } from '../context.ts';
import type { BatchItem } from './batch-body.ts';
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
      takes: 'batch',
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
        // What reads the body of a batch has made them.
        const notifications = body.notifications as readonly BatchItem[];
        const items = await context.acceptor.bulk(notifications.length, () =>
          acceptAll(context, notifications, { key, answerBy, identity }),
        );
        return { status: 202, body: batchAnswer(items) };
      },
    }),
  ];
}

/**
 * Items checked and stored together, and their bytes. The next ones are looked at when these are safe: a large batch takes less memory
 * that way, and the driver writes 1 MiB in one go without keeping others waiting.
 */
const [SLICE, SLICE_BYTES] = [500, 1024 * 1024];

/** Who brings a batch, under which key, and until when the answer is due. */
interface Bringing {
  key: string | undefined;
  answerBy: number;
  identity: Identity;
}

async function acceptAll(
  { reception }: ProducerContext,
  items: readonly BatchItem[],
  bringing: Bringing,
): Promise<ItemResult[]> {
  const results: ItemResult[] = [];
  const turns = new Turns();
  const keys = new ItemKeys(bringing.key);
  for (const slice of slicesOf(items)) {
    const accepting: Promise<ItemResult>[] = [];
    for (const item of slice) {
      const one = acceptItem(reception, item, { ...bringing, keys });
      // Another one may be looked at before anybody waits for this one.
      one.catch(() => undefined);
      accepting.push(one);
      await turns.next();
    }
    results.push(...(await Promise.all(accepting)));
  }
  return results;
}

function* slicesOf(items: readonly BatchItem[]): Generator<BatchItem[]> {
  let slice: BatchItem[] = [];
  let bytes = 0;
  for (const item of items) {
    if (slice.length === SLICE || (slice.length > 0 && bytes + item.length > SLICE_BYTES)) {
      yield slice;
      [slice, bytes] = [[], 0];
    }
    slice.push(item);
    bytes += item.length;
  }
  yield slice;
}

/**
 * The idempotency keys of the items of one batch: made of the batch's key and the item itself, not of its place. So a batch that is repeated
 * with an item removed, added, corrected or moved sends nothing twice and refuses nothing. Items that are equal count as several.
 */
class ItemKeys {
  readonly #key: string | undefined;
  readonly #seen = new Map<string, number>();

  /** `key`: that of the batch. */
  constructor(key: string | undefined) {
    this.#key = key;
  }

  /** The key of the next item; undefined where the batch has none. */
  of(item: unknown): string | undefined {
    if (this.#key === undefined) return undefined;
    const fingerprint = fingerprintOf(item);
    const number = this.#seen.get(fingerprint) ?? 0;
    this.#seen.set(fingerprint, number + 1);
    return `${this.#key}:${fingerprint}:${number}`;
  }
}

type ItemResult = { id: string; status: string } | { errors: FieldError[] };

/** One item of a batch, under its own key, or one made of the batch's. */
async function acceptItem(
  reception: ProducerContext['reception'],
  item: BatchItem,
  { keys, answerBy, identity }: Bringing & { keys: ItemKeys },
): Promise<ItemResult> {
  const { value, troubles } = item.read();
  if (troubles.length > 0) return { errors: troubles };
  const { idempotency_key: ownKey, ...body } = isObject(value) ? value : {};
  const key = IDEMPOTENCY_KEY.optional().safeParse(ownKey);
  const parsed = notificationRequestSchema.safeParse(isObject(value) ? body : value);
  const keyErrors = key.error?.issues.map(({ message }) => ({ field: 'idempotency_key', message })) ?? [];
  if (!parsed.success || keyErrors.length > 0)
    return { errors: [...keyErrors, ...(parsed.error ? fieldErrors(parsed.error) : [])] };
  const keyed = { key: key.data ?? keys.of(body), body };
  const withinMs = answerBy - performance.now();
  try {
    const received = await reception.receive(parsed.data, { identity, keyed, withinMs });
    return 'record' in received ? acceptedOf(received.record) : { errors: errorsOf(received) };
  } catch (thrown) {
    // The other items are stored, and their ids are to be known.
    if (thrown instanceof RecordRefused) return { errors: [{ field: 'body', message: thrown.message }] };
    throw thrown;
  }
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
