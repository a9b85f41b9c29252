import type { Lane } from '../contracts/index.ts';

/** How many slots a lane may hold of a total: bulk never holds the last quarter, so that a transactional one always starts. */
export function laneLimit(lane: Lane, total: number): number {
  return lane === 'transactional' ? total : Math.max(1, Math.floor(total * 0.75));
}

/** The slots of a channel, shared by its lanes: as many deliveries as may go on at once. */
export class LaneSlots {
  readonly #total: number;
  readonly #taken: Record<Lane, number> = { transactional: 0, bulk: 0 };
  #changed: (() => void)[] = [];

  constructor(total: number) {
    this.#total = total;
  }

  /** Slots in use, of both lanes. */
  get taken(): number {
    return this.#taken.transactional + this.#taken.bulk;
  }

  /** Takes between one and `wanted` slots for a lane, waiting until there is one. */
  async take(lane: Lane, wanted: number): Promise<number> {
    while (this.#free(lane) === 0) await new Promise<void>((resolve) => this.#changed.push(resolve));
    const granted = Math.min(wanted, this.#free(lane));
    this.#taken[lane] += granted;
    return granted;
  }

  /** Gives slots of a lane back. */
  release(lane: Lane, count = 1): void {
    this.#taken[lane] -= count;
    this.#changed.splice(0).forEach((resolve) => {
      resolve();
    });
  }

  /** Resolves when no slot is in use. */
  async idle(): Promise<void> {
    while (this.taken > 0) await new Promise<void>((resolve) => this.#changed.push(resolve));
  }

  #free(lane: Lane): number {
    return Math.min(this.#total - this.taken, laneLimit(lane, this.#total) - this.#taken[lane]);
  }
}
