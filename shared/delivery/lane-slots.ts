import type { Lane } from '../contracts/index.ts';

/** Something besides the number of slots that bounds how many deliveries may start now, such as a breaker or a pace. */
export interface Limit {
  /** How many more of a lane may start, while `taken` of both go on. */
  free(taken: number, lane: Lane): number;
  /** Whom to wake when `free` may have grown by itself. */
  onFree(wake: () => void): void;
  /** So many of a lane start. */
  spend?(count: number, lane: Lane): void;
  /** So many did not start after all. */
  refund?(count: number): void;
  stop(): void;
}

/** How many slots a lane may hold of a total: bulk never holds the last quarter, so that a transactional one always starts. */
export function laneLimit(lane: Lane, total: number): number {
  return lane === 'transactional' ? total : Math.max(1, Math.floor(total * 0.75));
}

/**
 * The slots of a channel, shared by its lanes: as many notifications as may be in hand at once, from the claim to the acknowledgement.
 * Where both lanes wait, transactional goes first.
 */
export class LaneSlots {
  readonly #total: number;
  readonly #limits: readonly Limit[];
  readonly #taken: Record<Lane, number> = { transactional: 0, bulk: 0 };
  readonly #waiting: Record<Lane, number> = { transactional: 0, bulk: 0 };
  #changed: (() => void)[] = [];
  #lastReleasedAt = 0;

  constructor(total: number, limits: readonly Limit[] = []) {
    this.#total = total;
    this.#limits = limits;
    for (const limit of limits)
      limit.onFree(() => {
        this.#wake();
      });
  }

  /** How many slots a lane may hold. */
  limit(lane: Lane): number {
    return laneLimit(lane, this.#total);
  }

  /** Slots in use, of both lanes. */
  get taken(): number {
    return this.#taken.transactional + this.#taken.bulk;
  }

  /** When a slot was last given back, in milliseconds since the epoch. */
  get lastReleasedAt(): number {
    return this.#lastReleasedAt;
  }

  /** Takes between one and `wanted` slots for a lane, waiting until there is one; none once the signal aborts. */
  async take(lane: Lane, wanted: number, signal?: AbortSignal): Promise<number> {
    const wake = (): void => {
      this.#wake();
    };
    signal?.addEventListener('abort', wake, { once: true });
    this.#waiting[lane] += 1;
    try {
      while (!signal?.aborted) {
        const granted = Math.min(wanted, this.#free(lane));
        if (granted > 0) return this.#grant(lane, granted);
        await this.#change();
      }
      return 0;
    } finally {
      this.#waiting[lane] -= 1;
      signal?.removeEventListener('abort', wake);
      // Bulk may have waited for us alone.
      if (lane === 'transactional') wake();
    }
  }

  /** Gives slots of a lane back. */
  release(lane: Lane, count = 1): void {
    this.#taken[lane] -= count;
    this.#lastReleasedAt = Date.now();
    this.#wake();
  }

  /** Gives slots back in which nothing was started. */
  giveBack(lane: Lane, count: number): void {
    if (count === 0) return;
    for (const limit of this.#limits) limit.refund?.(count);
    this.release(lane, count);
  }

  /** Resolves when no slot is in use. */
  async idle(): Promise<void> {
    while (this.taken > 0) await this.#change();
  }

  #grant(lane: Lane, count: number): number {
    this.#taken[lane] += count;
    for (const limit of this.#limits) limit.spend?.(count, lane);
    return count;
  }

  #free(lane: Lane): number {
    if (lane === 'bulk' && this.#waiting.transactional > 0) return 0;
    const ofSlots = Math.min(this.#total - this.taken, this.limit(lane) - this.#taken[lane]);
    return Math.max(0, Math.min(ofSlots, ...this.#limits.map((limit) => limit.free(this.taken, lane))));
  }

  #change(): Promise<void> {
    return new Promise((resolve) => this.#changed.push(resolve));
  }

  #wake(): void {
    this.#changed.splice(0).forEach((resolve) => {
      resolve();
    });
  }
}
