import { LANES, type Lane } from '../contracts/index.ts';
import { laneLimit, type Limit } from './lane-slots.ts';

/** Claims' worth of hand-overs that wait at most: one while the next claim is made, the others so that claims are large. */
const AHEAD = 4;
/** How many wait at most, by how many go on at once: a provider that turns slow has so many in vain. */
const WAITING = 4;
/** Bulk waits behind transactional, but every so often it goes first, or a long backlog would keep what it has claimed for ever. */
const BULK_FIRST_EVERY = 8;

/**
 * The hand-overs to a provider: so many at once, transactional first, and bulk never all of them. As a limit it lets only that be claimed
 * which can start about when the claim is there. How much that is, is measured by what ended while the last claim was made: with a fast
 * provider claims are few and large, and it never waits for the store; with a slow one hardly anything waits with a claim, and never more than
 * four times of what goes on at once.
 */
export class HandOvers implements Limit {
  readonly #size: number;
  readonly #limit: () => number;
  readonly #going: Record<Lane, number> = { transactional: 0, bulk: 0 };
  readonly #waiting: Record<Lane, (() => void)[]> = { transactional: [], bulk: [] };
  /** How many had ended when a lane's claim under way began. */
  readonly #claiming = new Map<Lane, number>();
  #ended = 0;
  #endedDuringClaim = 0;
  #wake = (): void => undefined;

  /** `limit`: how many at once the providers take just now, where that is less. */
  constructor(size: number, limit: () => number = () => Infinity) {
    this.#size = size;
    this.#limit = limit;
  }

  free(_taken: number, lane: Lane): number {
    const { transactional, bulk } = this.#waiting;
    if (lane === 'bulk' && transactional.length > 0) return 0;
    if (this.#waiting[lane].length > this.#endedDuringClaim) return 0;
    const ahead = Math.min(AHEAD * this.#endedDuringClaim, WAITING * this.#places);
    return this.#room(lane) + ahead - transactional.length - bulk.length;
  }

  onFree(wake: () => void): void {
    this.#wake = wake;
  }

  spend(_count: number, lane: Lane): void {
    this.#claiming.set(lane, this.#ended);
  }

  stop(): void {
    this.#wake = () => undefined;
  }

  /** Starts the work as soon as it is its turn. */
  async run<T>(lane: Lane, work: () => Promise<T>): Promise<T> {
    this.#claimArrived(lane);
    if (this.#room(lane) > 0) this.#going[lane] += 1;
    else await this.#turn(lane);
    try {
      return await work();
    } finally {
      this.#going[lane] -= 1;
      this.#ended += 1;
      this.#startNext();
      this.#wake();
    }
  }

  /** Lets all that wait begin, however many go on: for when beginning is only to be told that there is nothing to begin. */
  letAllBegin(): void {
    for (const lane of LANES)
      this.#waiting[lane].splice(0).forEach((begin) => {
        begin();
      });
  }

  /** Whoever calls what is pushed here gives it its place at once, before anybody else can take it. */
  #turn(lane: Lane): Promise<void> {
    return new Promise((resolve) =>
      this.#waiting[lane].push(() => {
        this.#going[lane] += 1;
        resolve();
      }),
    );
  }

  #claimArrived(lane: Lane): void {
    const before = this.#claiming.get(lane);
    if (before === undefined) return;
    this.#endedDuringClaim = this.#ended - before;
    this.#claiming.delete(lane);
  }

  #startNext(): void {
    const order = this.#ended % BULK_FIRST_EVERY === 0 ? LANES.toReversed() : LANES;
    for (const lane of order)
      // More than one when the limit has risen.
      while (this.#room(lane) > 0) {
        const begin = this.#waiting[lane].shift();
        if (!begin) break;
        begin();
      }
  }

  get #places(): number {
    return Math.min(this.#size, this.#limit());
  }

  #room(lane: Lane): number {
    const { transactional, bulk } = this.#going;
    return Math.min(this.#places - transactional - bulk, laneLimit(lane, this.#places) - this.#going[lane]);
  }
}
