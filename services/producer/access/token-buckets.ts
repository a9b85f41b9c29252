import { SECOND } from '../../../shared/runtime/duration.ts';

/** Buckets after which those that are full again are thrown away: a full one is as good as none. */
const MANY = 10_000;

/** A third of a second is no number of a computer's: what is missing by so little is not missing. Milliseconds. */
const ROUNDING_MS = 0.001;

/** What taking a token came to. */
export interface Taken {
  isOver: boolean;
  /** Tokens that are left. */
  left: number;
  /** Milliseconds until the bucket is full again. */
  fullInMs: number;
}

/**
 * A bucket of tokens for each name: a second's worth may be taken at once, and they come back one by one (the generic cell rate algorithm). Not
 * counted by windows, as libraries do: whoever floods would have a burst with each window, which others feel.
 */
export class TokenBuckets {
  readonly #perSecond: number;
  readonly #now: () => number;
  /** When each bucket will be full again. */
  readonly #fullAt = new Map<string, number>();
  #sweepAt = MANY;

  /** `now` in milliseconds, which never goes back. */
  constructor(perSecond: number, now = () => performance.now()) {
    this.#perSecond = perSecond;
    this.#now = now;
  }

  /** Takes one, if there is one. */
  take(name: string): Taken {
    const now = this.#now();
    const apartMs = SECOND / this.#perSecond;
    const fullAt = Math.max(this.#fullAt.get(name) ?? 0, now);
    const isOver = fullAt + apartMs - now > SECOND + ROUNDING_MS;
    const after = isOver ? fullAt : fullAt + apartMs;
    if (!isOver) this.#keep(name, after, now);
    const left = Math.floor((SECOND - (after - now) + ROUNDING_MS) / apartMs);
    return { isOver, left: Math.max(0, left), fullInMs: after - now };
  }

  /**
   * Takes many, if there is any: what is missing is owed, and nothing is taken until it is there again. So one that takes more than a second's
   * worth at once is let pass, and waits afterwards.
   */
  spend(name: string, count: number): Taken {
    const now = this.#now();
    const fullAt = Math.max(this.#fullAt.get(name) ?? 0, now);
    const isOver = fullAt - now > SECOND - ROUNDING_MS;
    const after = isOver ? fullAt : fullAt + (count * SECOND) / this.#perSecond;
    if (!isOver) this.#keep(name, after, now);
    const left = Math.floor(((SECOND - (after - now)) * this.#perSecond) / SECOND);
    return { isOver, left: Math.max(0, left), fullInMs: after - now };
  }

  /** Speaks for the next one, however many are spoken for; answers in how many milliseconds it is there. */
  reserve(name: string): number {
    const now = this.#now();
    const after = Math.max(this.#fullAt.get(name) ?? 0, now) + SECOND / this.#perSecond;
    this.#keep(name, after, now);
    return Math.max(0, after - now - SECOND);
  }

  #keep(name: string, fullAt: number, now: number): void {
    this.#fullAt.set(name, fullAt);
    if (this.#fullAt.size < this.#sweepAt) return;
    for (const [one, at] of this.#fullAt) if (at <= now) this.#fullAt.delete(one);
    // If all are in use, not with each one more.
    this.#sweepAt = Math.max(MANY, 2 * this.#fullAt.size);
  }
}
