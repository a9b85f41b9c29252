import { MongoBulkWriteError, type WriteError } from 'mongodb';
import type { Notification } from '../../contracts/index.ts';
import { toError } from '../../runtime/errors.ts';
import { DUPLICATE_KEY } from '../duplicate.ts';
import { RecordRefused, refusesNewRecord } from '../refusal.ts';
import { BY_ID, type Notifications } from './collection.ts';
import { writeIsolated } from './isolated-write.ts';

/** What became of one record that was to be stored. */
export type Stored =
  | { outcome: 'stored'; record: Notification }
  /** The same key and body came before: this is what it made then. */
  | { outcome: 'replayed'; record: Notification }
  /** The same key came before with another body. */
  | { outcome: 'conflict' };

/**
 * Its error is its caller's to hear. `RecordRefused`: MongoDB refuses this record, and it is not stored. Any other: its key came before, what it
 * made then could not be looked up, and the caller repeats with the same key.
 */
export interface Failed {
  outcome: 'failed';
  error: Error;
}

/**
 * Stores records in one journaled majority write. The unique index on caller and idempotency key makes acceptance atomic: of any number of
 * simultaneous requests with one key, one is stored and the others find it.
 * What fails for one record is that record's alone: the others of its write are safe, and their callers hear so.
 * @throws when the store cannot be reached; then nobody knows, and the caller repeats with the same key.
 */
export async function insertNotifications(
  notifications: Notifications,
  records: Notification[],
): Promise<(Stored | Failed)[]> {
  const errors = await insertAll(notifications, records);
  return Promise.all(
    records.map((record, index) => {
      const error = errors.get(index);
      if (error?.code === DUPLICATE_KEY) return findReplay(notifications, record).catch(failed);
      const stored: Stored = { outcome: 'stored', record };
      return Promise.resolve(error ? failed(new RecordRefused(error)) : stored);
    }),
  );
}

/** Inserts what it can; answers the errors of the others by their index. */
async function insertAll(
  notifications: Notifications,
  records: Notification[],
): Promise<ReadonlyMap<number, WriteError>> {
  try {
    await notifications.insertMany(records, { ordered: false });
    return new Map();
  } catch (error) {
    if (!(error instanceof MongoBulkWriteError)) throw error;
    const errors = [error.writeErrors].flat();
    // A failed write concern, or an error of the server, means that nobody knows what was stored.
    const areKnown = errors.every(({ code }) => code === DUPLICATE_KEY || refusesNewRecord(code));
    if (errors.length === 0 || !areKnown || error.result.getWriteConcernError()) throw error;
    return new Map(errors.map((one) => [one.index, one]));
  }
}

function failed(thrown: unknown): Failed {
  return { outcome: 'failed', error: toError(thrown) };
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
