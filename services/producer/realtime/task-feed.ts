import type { TaskUpdate } from '../../../shared/contracts/index.ts';
import { SECOND } from '../../../shared/runtime/duration.ts';
import { toError } from '../../../shared/runtime/errors.ts';
import type { Logger } from '../../../shared/runtime/logger.ts';
import type { TaskUpdates } from '../../../shared/store/index.ts';

/** The store is asked so often at least, in milliseconds: an event of RabbitMQ may get lost, and then it delays by so much. */
const ASK_EVERY_MS = 5 * SECOND;
/** Events within so many milliseconds share a look. */
const TOGETHER_MS = 20;
/** Updates that are read, and written to a listener, at once. */
export const PAGE = 100;

/** What listeners read: the store's updates, asked for when an event says that there are new ones. Those who stand at the same place share a read. */
export class TaskFeed {
  readonly #updates: TaskUpdates;
  readonly #log: Logger;
  readonly #asking = setInterval(() => {
    this.#next();
  }, ASK_EVERY_MS);
  #reads = new Map<string, Promise<unknown>>();
  #turn = new Turn();
  #waking: NodeJS.Timeout | undefined;

  constructor({ updates, log }: { updates: TaskUpdates; log: Logger }) {
    this.#updates = updates;
    this.#log = log;
  }

  /** Says that there may be new ones. */
  wake(): void {
    this.#waking ??= setTimeout(() => {
      this.#waking = undefined;
      this.#next();
    }, TOGETHER_MS);
  }

  /** Ends when somebody said so, or it is time to look anyway. Take it before a read, or what comes meanwhile is not heard of. */
  get turn(): Promise<void> {
    return this.#turn.over;
  }

  /** The updates behind one, at most a page; undefined while the store is away. */
  after(id: number): Promise<TaskUpdate[] | undefined> {
    return this.#shared(`after ${id}`, () => this.#updates.after(id, PAGE));
  }

  /** The newest one's number; undefined while the store is away. */
  newest(): Promise<number | undefined> {
    return this.#shared('newest', () => this.#updates.newestHere());
  }

  /** Nothing is asked for any more. */
  stop(): void {
    clearInterval(this.#asking);
    clearTimeout(this.#waking);
    this.#turn.end();
  }

  #next(): void {
    // What was read before may not hold what has just been told of.
    this.#reads = new Map();
    this.#turn.end();
    this.#turn = new Turn();
  }

  #shared<T>(what: string, read: () => Promise<T>): Promise<T | undefined> {
    const underWay = this.#reads.get(what) as Promise<T | undefined> | undefined;
    if (underWay) return underWay;
    const reads = this.#reads;
    const reading = read().catch((thrown: unknown) => {
      this.#log.warn('updates of tasks cannot be read; trying on', { error: toError(thrown) });
      return undefined;
    });
    reads.set(what, reading);
    void reading.then(() => reads.delete(what));
    return reading;
  }
}

/** From one look to the next. */
class Turn {
  end: () => void = () => undefined;
  readonly over = new Promise<void>((resolve) => {
    this.end = resolve;
  });
}
