import { MongoBulkWriteError } from 'mongodb';
import type { Notification } from '../../contracts/index.ts';
import { toError } from '../../runtime/errors.ts';
import { DUPLICATE_KEY } from '../duplicate.ts';
import { BY_ID, type Notifications } from './collection.ts';
import { writeIsolated } from './isolated-write.ts';

/** What became of one record that was to be stored. */
export type Stored =
  | { outcome: 'stored'; record: Notification }
  /** The same key and body came before: this is what it made then. */
  | { outcome: 'replayed'; record: Notification }
  /** The same key came before with another body. */
  | { outcome: 'conflict' };

/** Its key came before, and what it made then could not be looked up: nobody knows. Whoever waits for it repeats with the same key. */
export interface NotKnown {
  outcome: 'not_known';
  error: Error;
}

/**
 * Stores records in one journaled majority write. The unique index on caller and idempotency key makes acceptance atomic: of any number of
 * simultaneous requests with one key, one is stored and the others find it.
 * A look-up that fails is that record's alone: the others of its write are safe, and their callers hear so.
 * @throws when the store cannot be reached; then nobody knows, and the caller repeats with the same key.
 */
export async function insertNotifications(
  notifications: Notifications,
  records: Notification[],
): Promise<(Stored | NotKnown)[]> {
  const duplicates = await insertAll(notifications, records);
  return Promise.all(
    records.map((record, index) =>
      duplicates.has(index)
        ? findReplay(notifications, record).catch(notKnown)
        : Promise.resolve<Stored>({ outcome: 'stored', record }),
    ),
  );
}

/** Inserts what it can; answers the indexes of those whose key was there already. */
async function insertAll(notifications: Notifications, records: Notification[]): Promise<Set<number>> {
  try {
    await notifications.insertMany(records, { ordered: false });
    return new Set();
  } catch (error) {
    if (!(error instanceof MongoBulkWriteError)) throw error;
    const errors = [error.writeErrors].flat();
    // Anything but a duplicate, a failed write concern among it, means that nobody knows what was stored.
    if (errors.length === 0 || errors.some((one) => one.code !== DUPLICATE_KEY)) throw error;
    if (error.result.getWriteConcernError()) throw error;
    return new Set(errors.map((one) => one.index));
  }
}

function notKnown(thrown: unknown): NotKnown {
  return { outcome: 'not_known', error: toError(thrown) };
}

async function findReplay(notifications: Notifications, record: Notification): Promise<Stored> {
  const { caller, idempotency_key, fingerprint } = record;
  // A driver's own retry may meet the record that its first try stored.
  if (idempotency_key === undefined) return { outcome: 'stored', record };
  const earlier = await notifications.findOne({ caller, idempotency_key });
  if (!earlier) throw new Error('the record of an idempotency key vanished while it was read');
  if (earlier._id === record._id) return { outcome: 'stored', record };
  return earlier.fingerprint === fingerprint
    ? { outcome: 'replayed', record: earlier }
    : { outcome: 'conflict' };
}

/**
 * Notes that the retry messages of these records did not get into RabbitMQ, as far as anybody knows: the due sweep publishes them at their
 * time, instead of two minutes after it.
 */
export async function markUnpublished(notifications: Notifications, ids: string[]): Promise<void> {
  await writeIsolated(notifications, 'sweep', ids, async (some) => {
    const waiting = { _id: { $in: [...some] }, status: 'failed' as const };
    await notifications.updateMany(waiting, { $set: { unpublished: true } }, BY_ID);
    return [];
  });
}

/** What was published: a record, and how often it had been tried by then. */
export type Published = Pick<Notification, '_id' | 'attempt'>;

/**
 * Notes that RabbitMQ has the messages of these records, unless they were claimed since: what came after that is another message. `late`:
 * they were published long after they became pending, so that nobody takes those that still wait for overtaken.
 */
export async function clearUnpublished(
  notifications: Notifications,
  published: readonly Published[],
  { late = false } = {},
): Promise<void> {
  const attempts = new Map(published.map(({ _id, attempt }) => [_id, attempt]));
  await writeIsolated(notifications, 'sweep', [...attempts.keys()], async (some) => {
    const operations = [...new Set(attempts.values())].map((attempt) => ({
      updateMany: {
        filter: {
          _id: { $in: some.filter((id) => attempts.get(id) === attempt) },
          attempt,
          unpublished: true as const,
        },
        update: {
          $unset: { unpublished: true as const },
          ...(late && { $currentDate: { hinted_at: true as const } }),
        },
        ...BY_ID,
      },
    }));
    // Nothing waits for it: were it lost in a failover, the relay would publish a second message, which the claim refuses.
    await notifications.bulkWrite(operations, { ordered: false, writeConcern: { w: 1, journal: false } });
    return [];
  });
}
