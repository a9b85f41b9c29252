import type { Collection, Db } from 'mongodb';
import type { Control } from '../contracts/index.ts';
import { pause } from '../runtime/backoff.ts';
import { SECOND } from '../runtime/duration.ts';
import { toError } from '../runtime/errors.ts';
import type { Logger } from '../runtime/logger.ts';
import { bounded } from './bounded.ts';

/** What operators have switched. */
export class Controls {
  readonly #controls: Collection<Control>;

  constructor(db: Db) {
    this.#controls = bounded(db.collection<Control>('controls'));
  }

  /** All that is on now. */
  active(): Promise<Control[]> {
    // By the store's clock, so that it ends everywhere at once.
    const isOn = { $or: [{ until: { $exists: false } }, { $expr: { $gt: ['$until', '$$NOW'] } }] };
    return this.#controls.find(isOn).sort({ _id: 1 }).toArray();
  }

  /** Switches one on, or changes its reason and end. */
  async set({ _id, ...control }: Control): Promise<void> {
    await this.#controls.replaceOne({ _id }, control, { upsert: true });
  }

  /** Switches one off; false when it was not on. */
  async clear(id: string): Promise<boolean> {
    return (await this.#controls.deleteOne({ _id: id })).deletedCount > 0;
  }
}

/** How often a process asks, in milliseconds: a pause takes effect within that. */
const ASK_EVERY_MS = SECOND;

/** Keeps a process informed of what is on. While the store is away, what was known last holds. */
export class ControlsWatch {
  readonly #controls: Controls;
  readonly #log: Logger;
  readonly #onChange: (active: readonly Control[]) => void;
  readonly #stopping = new AbortController();
  #active: readonly Control[] = [];
  #known: string | undefined;
  #failing = false;

  constructor(options: { controls: Controls; log: Logger; onChange?: (active: readonly Control[]) => void }) {
    this.#controls = options.controls;
    this.#log = options.log;
    this.#onChange = options.onChange ?? (() => undefined);
  }

  /** Whether one is on. */
  isOn(id: string): boolean {
    return this.#active.some(({ _id }) => _id === id);
  }

  /** Begins to ask; resolves when the first answer, or none, has come. `onChange` hears the first answer in any case. */
  async start(): Promise<void> {
    await this.#ask();
    void this.#goOn();
  }

  /** Asks no more. */
  stop(): void {
    this.#stopping.abort();
  }

  async #goOn(): Promise<void> {
    const { signal } = this.#stopping;
    for (;;) {
      await pause(ASK_EVERY_MS, signal);
      if (signal.aborted) return;
      await this.#ask();
    }
  }

  async #ask(): Promise<void> {
    try {
      const active = await this.#controls.active();
      this.#failing = false;
      const ids = active.map(({ _id }) => _id).join();
      if (this.#stopping.signal.aborted || ids === this.#known) return;
      this.#known = ids;
      this.#active = active;
      this.#onChange(active);
    } catch (thrown) {
      // Once per trouble: what was known last holds.
      if (!this.#failing)
        this.#log.warn('what operators have switched cannot be read', { error: toError(thrown) });
      this.#failing = true;
    }
  }
}
