import type { Broker } from '../../shared/broker/index.ts';
import type { Config } from '../../shared/runtime/config.ts';
import type { Logger } from '../../shared/runtime/logger.ts';
import type {
  Books,
  BulkActs,
  EarlyFeedbacks,
  Erasures,
  Locks,
  Notifications,
  Store,
  Suppressions,
  TaskUpdates,
} from '../../shared/store/index.ts';

/** What every job works with. */
export interface JobContext {
  broker: Broker;
  notifications: Notifications;
  store: Store;
  locks: Locks;
  books: Books;
  acts: BulkActs;
  erasures: Erasures;
  suppressions: Suppressions;
  earlyFeedback: EarlyFeedbacks;
  taskUpdates: TaskUpdates;
  config: Config;
  log: Logger;
}

/** A job that is due again and again. Each is safe with any number of schedulers: the writes are conditional, a message too many is harmless. */
export interface Job {
  name: string;
  /** Cron expression with seconds. */
  cron: string;
  /** After MongoDB was away, waits so long before the first pass, in milliseconds. */
  settleMs?: number;
  /** One pass; answers how many things it did, for the log. */
  run: (context: JobContext) => Promise<number>;
}
