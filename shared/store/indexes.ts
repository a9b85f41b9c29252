import { MongoServerError, type Db, type IndexDescription } from 'mongodb';
import { CLAIMABLE_WHEN_DUE, STATUSES, type Status } from '../contracts/index.ts';
import { untilDone } from '../runtime/backoff.ts';
import { connectionAdvice } from '../runtime/connection-advice.ts';
import { toError } from '../runtime/errors.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Store } from './connection.ts';

/** Statuses that lists and sweeps look for. Most records end as `sent` or `delivered`; walking `_id` finds those at once. */
const INDEXED_STATUSES: Status[] = STATUSES.filter((status) => status !== 'sent' && status !== 'delivered');

/** Sessions and sign-in links: by account, and until they are over. */
const OPENERS = [
  { name: 'account', key: { account: 1 } },
  { name: 'over', key: { expires_at: 1 }, expireAfterSeconds: 0 },
] as const;

/** What the library counts that limits something. */
const COUNTED = [
  { name: 'key', key: { key: 1 }, unique: true },
  { name: 'over', key: { expire: 1 }, expireAfterSeconds: 0 },
] as const;

/** The indexes of each collection, declared once. Tests assert with explain() that every query uses one. */
export const INDEXES = {
  notifications: [
    // Acceptance is one atomic insert: the second one of a key loses here.
    {
      name: 'idempotency',
      key: { caller: 1, idempotency_key: 1 },
      unique: true,
      partialFilterExpression: { idempotency_key: { $exists: true } },
    },
    { name: 'user', key: { user_id: 1, _id: -1 } },
    // Lists of those who see what they have submitted themselves only.
    { name: 'caller', key: { caller: 1, _id: -1 } },
    // Lists by status, dead letters, and the sweeps for lost leases and lost messages. By queue, for a sweep that looks for what one queue
    // lost must not walk past the backlog of another. Without a queue, ANY_QUEUE keeps the order by id.
    {
      name: 'state',
      key: { status: 1, type: 1, lane: 1, _id: -1 },
      partialFilterExpression: { status: { $in: INDEXED_STATUSES } },
    },
    {
      name: 'due',
      key: { next_retry_time: 1 },
      partialFilterExpression: { status: { $in: [...CLAIMABLE_WHEN_DUE] } },
    },
    {
      name: 'expiring',
      key: { expires_at: 1 },
      partialFilterExpression: {
        status: { $in: ['pending', ...CLAIMABLE_WHEN_DUE] },
        expires_at: { $exists: true },
      },
    },
    // The outbox, queue by queue and by age: the backlog of one channel must not be walked past for another.
    { name: 'outbox', key: { lane: 1, type: 1, _id: 1 }, partialFilterExpression: { unpublished: true } },
    { name: 'unread', key: { user_id: 1 }, partialFilterExpression: { unread: true } },
    {
      name: 'redriven',
      key: { bulk_act: 1, status: 1 },
      partialFilterExpression: { bulk_act: { $exists: true } },
    },
    // Not a TTL index: the books must know what goes.
    {
      name: 'finished',
      key: { delete_at: 1, _id: 1 },
      partialFilterExpression: { delete_at: { $exists: true } },
    },
  ],
  // A thousand at most, so it is read whole.
  quarantine: [],
  locks: [],
  books: [],
  rates: [
    { name: 'time', key: { step: 1, at: 1 } },
    { name: 'over', key: { delete_at: 1 }, expireAfterSeconds: 0 },
  ],
  accounts: [],
  presences: [{ name: 'over', key: { beat_at: 1 }, expireAfterSeconds: 60 }],
  controls: [{ name: 'over', key: { until: 1 }, expireAfterSeconds: 0 }],
  sessions: OPENERS,
  sign_in_links: OPENERS,
  sign_in_attempts: COUNTED,
  recipient_limits: COUNTED,
  keys: [],
  signing_keys: [],
  refresh_tokens: [
    { name: 'account', key: { account: 1 } },
    { name: 'over', key: { expires_at: 1 }, expireAfterSeconds: 0 },
  ],
  audit: [
    { name: 'actor', key: { actor: 1, _id: -1 } },
    { name: 'act', key: { act: 1, _id: -1 } },
    { name: 'subject', key: { subject: 1, _id: -1 } },
    { name: 'over', key: { delete_at: 1 }, expireAfterSeconds: 0 },
  ],
  erasures: [
    { name: 'unfinished', key: { user_id: 1 }, partialFilterExpression: { user_id: { $exists: true } } },
  ],
  suppressions: [
    { name: 'time', key: { channel: 1, since: -1, _id: -1 } },
    { name: 'user', key: { user_id: 1 }, partialFilterExpression: { user_id: { $exists: true } } },
  ],
  soft_bounces: [{ name: 'end', key: { delete_at: 1 }, expireAfterSeconds: 0 }],
  // By a time of its own: what a TTL index in seconds once was given, no later version can change.
  feedback: [{ name: 'end', key: { delete_at: 1 }, expireAfterSeconds: 0 }],
  // No TTL index: the newest stays, for it holds the count. A repeated request makes no second one.
  task_updates: [{ name: 'notification', key: { notification_id: 1 }, unique: true }],
  // Listed by time, and kept as long as an audit asks for them.
  bulk_acts: [{ name: 'time', key: { started_at: -1 }, expireAfterSeconds: 90 * 86_400 }],
} as const satisfies Record<string, readonly IndexDescription[]>;

/** Former indexes: a TTL index, which would delete behind the books' back, and those that `state` and `outbox` have replaced. */
const FORMER = ['retention', 'status', 'unpublished'];

/** Creates what is missing. Safe to run by many processes at once. */
export async function ensureIndexes(db: Db): Promise<void> {
  for (const [collection, indexes] of Object.entries(INDEXES)) {
    const specs: IndexDescription[] = [...indexes];
    if (specs.length > 0) await db.collection(collection).createIndexes(specs);
  }
  for (const name of FORMER) await dropIndex(db, name);
}

async function dropIndex(db: Db, name: string): Promise<void> {
  try {
    await db.collection('notifications').dropIndex(name);
  } catch (thrown) {
    if (!(thrown instanceof MongoServerError && thrown.codeName === 'IndexNotFound')) throw thrown;
  }
}

/**
 * Connects and creates the indexes as soon as MongoDB answers, in the background; abort the answer to give up. The driver never comes back
 * by itself from a first connection that failed ("Topology is closed" for ever); from a later cut it does. `indexes: false` leaves them to
 * others: consumers have no right to create any.
 */
export function connectInBackground(
  store: Pick<Store, 'client' | 'db'>,
  log: Logger,
  { indexes = true }: { indexes?: boolean } = {},
): AbortController {
  const giveUp = new AbortController();
  const work = async (): Promise<void> => {
    await store.client.connect();
    if (indexes) await ensureIndexes(store.db);
  };
  const onFailure = (thrown: unknown, failures: number): void => {
    if (failures > 0) return;
    const advice = connectionAdvice(thrown, 'MONGO_URI')?.words;
    log.warn('MongoDB cannot be reached; trying on', { error: toError(thrown), advice });
  };
  void untilDone(work, { signal: giveUp.signal, onFailure });
  return giveUp;
}
