import { toError } from './errors.ts';

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
  /** Handles one bulk; answers one result per item, in the same order. A throw rejects all of them. */
  run: (items: In[]) => Promise<Out[]>;
}

/**
 * Groups what comes in while bulks are under way into the next one. There is no timer: a lone item starts at once, and under load the
 * bulks grow by themselves.
 */
export class Batcher<In, Out> {
  readonly #options: BatcherOptions<In, Out>;
  readonly #concurrency: number;
  #waiting: Entry<In, Out>[] = [];
  #running = 0;
  #idle: (() => void)[] = [];

  constructor(options: BatcherOptions<In, Out>) {
    this.#options = options;
    this.#concurrency = options.concurrency ?? 1;
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
    while (this.#waiting.length > 0) await this.#runBulk(this.#waiting.splice(0, this.#options.maxItems));
    // With no turn between the last look and this, or who adds in between would wait for ever.
    this.#running -= 1;
    if (this.#running === 0)
      this.#idle.splice(0).forEach((resolve) => {
        resolve();
      });
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
