import type { Publisher } from '../../../shared/broker/index.ts';
import type { Notification } from '../../../shared/contracts/index.ts';
import { publishPending } from '../../../shared/delivery/index.ts';
import { Batcher } from '../../../shared/runtime/batcher.ts';
import { toError } from '../../../shared/runtime/errors.ts';
import type { Logger } from '../../../shared/runtime/logger.ts';
import { ANSWER_WITHIN_MS, withDeadline } from './deadline.ts';
import { insertNotifications, type Notifications, type Stored } from '../../../shared/store/index.ts';

/** Records stored in one write. */
const MAX_GROUP = 500;
/**
 * Takes notifications in: concurrent ones share one journaled majority write, and only then are they promised. Publishing follows behind;
 * RabbitMQ may be away, for the relay publishes what is stored.
 */
export class Acceptor {
  readonly #notifications: Notifications;
  readonly #publisher: Publisher;
  readonly #log: Logger;
  readonly #group = new Batcher<Notification, Stored>({
    maxItems: MAX_GROUP,
    run: (records) => this.#store(records),
  });
  readonly #publishing = new Set<Promise<void>>();

  constructor(options: { notifications: Notifications; publisher: Publisher; log: Logger }) {
    this.#notifications = options.notifications;
    this.#publisher = options.publisher;
    this.#log = options.log;
  }

  /**
   * Resolves when the record is safe, or was before.
   * @throws StoreTimeout or the driver's error when the store cannot be reached.
   */
  accept(record: Notification): Promise<Stored> {
    return withDeadline(this.#group.add(record), ANSWER_WITHIN_MS);
  }

  /** Publishes records that were made pending by hand. Does not wait for RabbitMQ. */
  publish(records: readonly Notification[]): void {
    if (records.length === 0) return;
    const work = publishPending(this.#publisher, this.#notifications, records).then(
      () => undefined,
      (thrown: unknown) => {
        this.#log.warn('not published yet; the relay will', {
          records: records.length,
          error: toError(thrown),
        });
      },
    );
    this.#publishing.add(work);
    void work.finally(() => this.#publishing.delete(work));
  }

  /** Resolves when all that was accepted is stored and published, or left to the relay. */
  async drain(): Promise<void> {
    await this.#group.idle();
    await Promise.all(this.#publishing);
  }

  async #store(records: Notification[]): Promise<Stored[]> {
    const stored = await insertNotifications(this.#notifications, records);
    const fresh = stored.flatMap((one) => (one.outcome === 'stored' ? [one.record] : []));
    this.publish(fresh.filter((record) => record.status === 'pending'));
    return stored;
  }
}
