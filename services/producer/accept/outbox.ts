import type { Hintable, Publisher } from '../../../shared/broker/index.ts';
import { LANES, type Lane } from '../../../shared/contracts/index.ts';
import { publishConfirmed } from '../../../shared/delivery/index.ts';
import { Batcher } from '../../../shared/runtime/batcher.ts';
import { SECOND } from '../../../shared/runtime/duration.ts';
import { toError } from '../../../shared/runtime/errors.ts';
import type { Logger } from '../../../shared/runtime/logger.ts';
import { clearUnpublished, type Notifications } from '../../../shared/store/index.ts';

/** Messages whose confirm is awaited at most. */
const MAX_IN_FLIGHT = 1_000;
/** Messages sent and confirmed together. */
const CHUNK = 100;
/** Records that wait for their message at most. What is more stays unpublished, and the relay takes it. */
const MAX_WAITING = 30_000;
/**
 * From so many on, with those that batches under way are bringing, the next batch waits: a backlog in here is one that lanes do not help
 * against, and memory. Enough to keep RabbitMQ busy: 10 000 made batches no faster than 3 000, and took 13 MiB more (`npm run bench`).
 */
const BUSY_FROM = 5_000;
/** How long batches wait at most, in milliseconds: where RabbitMQ is stuck, they are stored all the same. */
const MAX_PAUSE_MS = SECOND;
/** That messages are confirmed is noted so often at most, in milliseconds; long before the relay would publish them again. */
const CLEAR_EVERY_MS = 250;
/** Chunks noted at once. */
const MAX_NOTED = 500;

/** Publishes what was stored, transactional first, without being waited for. What does not get into RabbitMQ, the relay publishes. */
export class Outbox {
  readonly #publisher: Publisher;
  readonly #notifications: Notifications;
  readonly #log: Logger;
  readonly #waiting: Record<Lane, Hintable[]> = { transactional: [], bulk: [] };
  /** Records whose messages are confirmed. By then a claim has noted it for most of them, so that this finds little to do. */
  readonly #confirmed = new Batcher<Hintable[], undefined>({
    maxItems: MAX_NOTED,
    apartMs: CLEAR_EVERY_MS,
    run: async (chunks) => {
      await clearUnpublished(this.#notifications, chunks.flat());
      return chunks.map(() => undefined);
    },
  });
  readonly #chunks = new Set<Promise<void>>();
  #inFlight = 0;
  readonly #batches = new Set<() => void>();
  /** What batches under way are bringing. */
  #coming = 0;

  constructor(options: { publisher: Publisher; notifications: Notifications; log: Logger }) {
    this.#publisher = options.publisher;
    this.#notifications = options.notifications;
    this.#log = options.log;
  }

  /** Takes records that are stored, pending and unpublished. */
  add(records: readonly Hintable[]): void {
    for (const { _id, type, lane, attempt } of records)
      if (this.#size < MAX_WAITING) this.#waiting[lane].push({ _id, type, lane, attempt });
    this.#pump();
  }

  /** Lets `work` bring so many when there is room for them, or after a second. */
  async bulk<T>(count: number, work: () => Promise<T>): Promise<T> {
    if (this.#isBusy) await this.#turn();
    this.#coming += count;
    this.#letIn();
    try {
      return await work();
    } finally {
      this.#coming -= count;
      this.#letIn();
    }
  }

  /** Resolves when all that was taken is published, or left to the relay. */
  async idle(): Promise<void> {
    while (this.#chunks.size > 0) await Promise.all(this.#chunks);
    await this.#confirmed.idle();
  }

  get #size(): number {
    return this.#waiting.transactional.length + this.#waiting.bulk.length;
  }

  #pump(): void {
    while (this.#inFlight < MAX_IN_FLIGHT && this.#size > 0) {
      const lane = LANES.find((one) => this.#waiting[one].length > 0) ?? 'bulk';
      const chunk = this.#waiting[lane].splice(0, CHUNK);
      const work = this.#publish(chunk).finally(() => {
        this.#chunks.delete(work);
      });
      this.#chunks.add(work);
    }
    this.#letIn();
  }

  get #isBusy(): boolean {
    return this.#size + this.#coming >= BUSY_FROM;
  }

  #turn(): Promise<void> {
    return new Promise((resolve) => {
      const begin = (): void => {
        clearTimeout(patience);
        this.#batches.delete(begin);
        resolve();
      };
      const patience = setTimeout(begin, MAX_PAUSE_MS);
      this.#batches.add(begin);
    });
  }

  /** One, the first; it lets the next one in when it has said how many it brings. */
  #letIn(): void {
    const [first] = this.#batches;
    if (first && !this.#isBusy) first();
  }

  async #publish(chunk: readonly Hintable[]): Promise<void> {
    this.#inFlight += chunk.length;
    try {
      const confirmed = await publishConfirmed(this.#publisher, chunk);
      if (confirmed.length > 0) this.#note(confirmed);
    } catch (thrown) {
      this.#log.warn('not published yet; the relay will', { records: chunk.length, error: toError(thrown) });
    } finally {
      this.#inFlight -= chunk.length;
      this.#pump();
    }
  }

  #note(confirmed: Hintable[]): void {
    this.#confirmed.add(confirmed).catch((thrown: unknown) => {
      this.#log.warn('published, but not noted; the relay publishes it once more', {
        error: toError(thrown),
      });
    });
  }
}
