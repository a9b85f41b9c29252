import type { Notification } from '../contracts/index.ts';

/** A notification that is ours to deliver, until its claim is lost. */
export class Claimed {
  readonly record: Notification;
  readonly token: string;
  #isLost = false;
  #underWay: AbortController | undefined;

  constructor(record: Notification, token: string) {
    this.record = record;
    this.token = token;
  }

  /** Whether somebody else may have it by now. */
  get isLost(): boolean {
    return this.#isLost;
  }

  /** The claim is not ours any more: an attempt that is under way stops. */
  lose(reason: string): void {
    this.#isLost = true;
    this.#underWay?.abort(new Error(reason));
  }

  /** An attempt begins, which this ends when the claim is lost. */
  begins(attempt: AbortController): void {
    this.#underWay = attempt;
  }
}
