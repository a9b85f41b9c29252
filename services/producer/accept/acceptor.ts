import type { Publisher } from '../../../shared/broker/index.ts';
import type { Notification } from '../../../shared/contracts/index.ts';
import { Batcher } from '../../../shared/runtime/batcher.ts';
import type { Logger } from '../../../shared/runtime/logger.ts';
import {
  RecordRefused,
  StoreTimeout,
  insertNotifications,
  type Failed,
  type Notifications,
  type Stored,
} from '../../../shared/store/index.ts';
import { ANSWER_WITHIN_MS, inTime } from './deadline.ts';
import { Outbox } from './outbox.ts';

/** Records stored in one write. */
const MAX_GROUP = 500;
/** Writes under way at once: while one waits for the journal, the next one is on its way. */
const GROUPS_AT_ONCE = 2;
/** Under load, records of so many milliseconds share a write. */
const GROUPS_APART_MS = 3;
/** Records that wait for a write at most; more would only wait in vain, and fill the memory. */
const MAX_WAITING = 20_000;

/**
 * How long those behind wait for the write before theirs, in milliseconds: long enough that its own callers, and whoever came while they
 * waited, have had their 503, and are not written behind their backs.
 */
const GIVE_UP_GROUP_MS = 2 * ANSWER_WITHIN_MS;

/** An operator drains the fleet: what was accepted is delivered, and nothing new is. */
export class AcceptingStopped extends Error {
  override readonly name = 'AcceptingStopped';
}

/** A record on its way into the store. */
interface Entry {
  record: Notification;
  /** Its caller was told to come again: it is not stored if that has not begun. */
  givenUp: boolean;
}

/**
 * Takes notifications in: concurrent ones share one journaled majority write, and only then are they promised. Publishing follows behind;
 * RabbitMQ may be away, for the relay publishes what is stored.
 */
export class Acceptor {
  readonly #notifications: Notifications;
  readonly #group = new Batcher<Entry, Stored | Failed>({
    maxItems: MAX_GROUP,
    concurrency: GROUPS_AT_ONCE,
    apartMs: GROUPS_APART_MS,
    run: (entries) => this.#store(entries),
  });
  readonly #isOpen: () => boolean;
  readonly #outbox: Outbox;
  readonly #log: Logger;

  /** `isOpen`: whether anything new is taken in. */
  constructor(options: {
    notifications: Notifications;
    publisher: Publisher;
    isOpen: () => boolean;
    log: Logger;
  }) {
    this.#notifications = options.notifications;
    this.#isOpen = options.isOpen;
    this.#outbox = new Outbox(options);
    this.#log = options.log;
  }

  /**
   * Resolves when the record is safe, or was before. `withinMs`: how long its caller waits, in milliseconds; `signal`
   * aborts when it gives up earlier.
   * @throws AcceptingStopped while an operator drains the fleet; RecordRefused when MongoDB refuses this record; StoreTimeout or the driver's error when the store cannot be reached.
   */
  async accept(record: Notification, withinMs = ANSWER_WITHIN_MS, signal?: AbortSignal): Promise<Stored> {
    if (!this.#isOpen()) throw new AcceptingStopped();
    if (this.#group.waiting >= MAX_WAITING) throw new StoreTimeout('too many wait for the store');
    if (withinMs <= 0) throw new StoreTimeout('its time was over before its turn came');
    const entry = { record, givenUp: false };
    signal?.addEventListener('abort', () => (entry.givenUp = true), { once: true });
    try {
      const stored = await inTime(this.#group.add(entry), withinMs);
      if (stored.outcome === 'failed') throw this.#logged(stored.error);
      return stored;
    } finally {
      entry.givenUp = true;
    }
  }

  #logged(error: Error): Error {
    if (error instanceof RecordRefused) this.#log.error('MongoDB refuses to store a notification', { error });
    return error;
  }

  /** Publishes records that were made pending by hand. Does not wait for RabbitMQ. */
  publish(records: readonly Notification[]): void {
    this.#outbox.add(records);
  }

  /** Takes so many in by `work` when there is room: single ones are always taken, but whoever brings many waits while RabbitMQ is behind. */
  bulk<T>(count: number, work: () => Promise<T>): Promise<T> {
    return this.#outbox.bulk(count, work);
  }

  /** Resolves when all that was accepted is stored and published, or left to the relay. */
  async drain(): Promise<void> {
    await this.#group.idle();
    await this.#outbox.idle();
  }

  async #store(entries: Entry[]): Promise<(Stored | Failed)[]> {
    const wanted = entries.filter(({ givenUp }) => !givenUp).map(({ record }) => record);
    const stored = wanted.length === 0 ? [] : await this.#insert(wanted);
    const fresh = stored.flatMap((one) => (one.outcome === 'stored' ? [one.record] : []));
    this.#outbox.add(fresh.filter((record) => record.status === 'pending'));
    const results = new Map(wanted.map((record, index) => [record, stored[index]]));
    // Nobody listens to the answer of one that was given up.
    return entries.map(({ record }) => results.get(record) ?? { outcome: 'stored', record });
  }

  /** Those behind must not wait for a write that does not come back; what it stores all the same, the relay publishes. */
  #insert(records: Notification[]): Promise<(Stored | Failed)[]> {
    return inTime(insertNotifications(this.#notifications, records), GIVE_UP_GROUP_MS);
  }
}
