import { SECOND } from '../runtime/duration.ts';
import type { Limit } from './lane-slots.ts';

/**
 * At most so many starts a second, of one process: a bucket of tokens that fills evenly and holds a tenth of a second's worth, so that a
 * provider never sees a second's worth at once.
 */
export class Pace implements Limit {
  readonly #perMs: number;
  readonly #capacity: number;
  readonly #now: () => number;
  #tokens: number;
  #filledAt: number;
  #timer: NodeJS.Timeout | undefined;
  #wake = (): void => undefined;

  constructor(perSecond: number, now: () => number = () => performance.now()) {
    this.#perMs = perSecond / SECOND;
    this.#capacity = Math.max(1, Math.floor(perSecond / 10));
    this.#now = now;
    this.#tokens = this.#capacity;
    this.#filledAt = now();
  }

  free(): number {
    this.#fill();
    if (this.#tokens < 1) this.#wakeWhenFree();
    return Math.floor(this.#tokens);
  }

  onFree(wake: () => void): void {
    this.#wake = wake;
  }

  spend(count: number): void {
    this.#tokens -= count;
  }

  refund(count: number): void {
    this.#tokens = Math.min(this.#capacity, this.#tokens + count);
  }

  /** Forgets its timer. */
  stop(): void {
    clearTimeout(this.#timer);
  }

  #fill(): void {
    const now = this.#now();
    this.#tokens = Math.min(this.#capacity, this.#tokens + (now - this.#filledAt) * this.#perMs);
    this.#filledAt = now;
  }

  #wakeWhenFree(): void {
    this.#timer ??= setTimeout(
      () => {
        this.#timer = undefined;
        this.#wake();
      },
      Math.ceil((1 - this.#tokens) / this.#perMs),
    ).unref();
  }
}
