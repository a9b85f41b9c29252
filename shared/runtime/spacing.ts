import { pause } from './backoff.ts';

/** Spaces out what is started, so that what comes meanwhile shares the next start. One alone never waits. */
export class Spacing {
  readonly #apartMs: number;
  #startedAt = -Infinity;
  #lastSize = 0;

  /** `apartMs`: milliseconds from one start to the next. */
  constructor(apartMs: number) {
    this.#apartMs = apartMs;
  }

  /** Waits until the next start may be, with so many waiting for it; ends early when the signal aborts. */
  async turn(waiting: number, signal?: AbortSignal): Promise<void> {
    const early = this.#startedAt + this.#apartMs - performance.now();
    const isLone = this.#lastSize <= 1 && waiting <= 1;
    if (early > 0 && !isLone) await pause(early, signal);
  }

  /** Notes a start, and how many share it. */
  started(size: number): void {
    this.#startedAt = performance.now();
    this.#lastSize = size;
  }
}
