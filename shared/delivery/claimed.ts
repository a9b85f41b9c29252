import type { Notification } from '../contracts/index.ts';
import type { Outcome } from './outcome.ts';

/** A notification that is ours to deliver, until its claim is lost. */
export class Claimed {
  readonly record: Notification;
  readonly token: string;
  /** When we claimed, by `performance.now()`: a jump of the system's clock neither ends a lease nor prolongs it. */
  readonly claimedAt: number;
  /** What stands in the way of handing it over, as it was found for all of one claim. */
  refusal: Outcome | undefined;
  /** When the lease ends, by `performance.now()`, never later than in the store; Infinity before it is known. */
  leaseUntil = Infinity;
  #isLost = false;
  #underWay: AbortController | undefined;

  constructor(record: Notification, token: string, claimedAt: number) {
    this.record = record;
    this.token = token;
    this.claimedAt = claimedAt;
  }

  /** Whether somebody else may have it by now: told so, or its lease is over at this very millisecond. */
  get isLost(): boolean {
    return this.#isLost || performance.now() >= this.leaseUntil;
  }

  /** Whether its time is over, by the database's clock: that of the claim, and what has passed since. */
  get isExpired(): boolean {
    const { expires_at, claimed_at } = this.record;
    if (!expires_at || !claimed_at) return false;
    return expires_at.getTime() <= claimed_at.getTime() + (performance.now() - this.claimedAt);
  }

  /** The claim is not ours any more: an attempt that is under way stops. */
  lose(reason: string): void {
    this.#isLost = true;
    this.#underWay?.abort(new Error(reason));
  }

  /** An attempt begins, which ends when the claim is lost. */
  begins(attempt: AbortController): void {
    this.#underWay = attempt;
  }
}
