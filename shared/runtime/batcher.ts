import { toError } from './errors.ts';
import { Spacing } from './spacing.ts';

interface Entry<In, Out> {
  item: In;
  resolve: (value: Out) => void;
  reject: (error: Error) => void;
}

/** How a Batcher works. */
export interface BatcherOptions<In, Out> {
  /** Most items in one run. */
  maxItems: number;
  /** Bulks under way at once; 1 when not given. */
  concurrency?: number;
  /** Milliseconds from the start of one bulk to the start of the next: what comes meanwhile shares it, but one alone never waits. 0 when not given. */
  apartMs?: number;
  /** Handles one bulk; answers one result per item, in the same order. A throw rejects all of them. */
  run: (items: In[]) => Promise<Out[]>;
}

/**
 * Groups what comes in while bulks are under way into the next one. A lone item starts at once, and under load the bulks grow by
 * themselves.
 */
export class Batcher<In, Out> {
  readonly #options: BatcherOptions<In, Out>;
  readonly #concurrency: number;
  readonly #spacing: Spacing;
  #waiting: Entry<In, Out>[] = [];
  #running = 0;
  #idle: (() => void)[] = [];

  constructor(options: BatcherOptions<In, Out>) {
    this.#options = options;
    this.#concurrency = options.concurrency ?? 1;
    this.#spacing = new Spacing(options.apartMs ?? 0);
  }

  /** Items that no run has begun with. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Adds an item; resolves with its own result once its bulk is done. */
  add(item: In): Promise<Out> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject });
      if (this.#running < this.#concurrency) void this.#work();
    });
  }

  /** Resolves when nothing waits and nothing runs. */
  async idle(): Promise<void> {
    while (this.#running > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  async #work(): Promise<void> {
    this.#running += 1;
    // One turn of the event loop, so that what arrives in the same read of the socket shares a bulk.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#waiting.length > 0) await this.#runNext();
    // With no turn between the last look and this, or who adds in between would wait for ever.
    this.#running -= 1;
    if (this.#running === 0)
      this.#idle.splice(0).forEach((resolve) => {
        resolve();
      });
  }

  async #runNext(): Promise<void> {
    const { maxItems } = this.#options;
    if (this.#waiting.length < maxItems) await this.#spacing.turn(this.#waiting.length);
    const bulk = this.#waiting.splice(0, maxItems);
    // Another one may have taken them meanwhile.
    if (bulk.length === 0) return;
    this.#spacing.started(bulk.length);
    await this.#runBulk(bulk);
  }

  async #runBulk(entries: Entry<In, Out>[]): Promise<void> {
    try {
      const results = await this.#options.run(entries.map((entry) => entry.item));
      if (results.length !== entries.length) throw new Error('a bulk must answer one result per item');
      entries.forEach((entry, index) => {
        entry.resolve(results[index] as Out);
      });
    } catch (thrown) {
      for (const entry of entries) entry.reject(toError(thrown));
    }
  }
}
