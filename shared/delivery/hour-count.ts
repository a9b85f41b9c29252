import { HOUR, MINUTE } from '../runtime/duration.ts';

/** How attempts ended within an hour. */
export interface Ended {
  sent: number;
  failed: number;
}

/** Counts how attempts ended, and forgets those that are over an hour ago; by whole minutes. */
export class HourCount {
  readonly #minutes = new Map<number, Ended>();

  add(what: keyof Ended): void {
    const minute = Math.floor(Date.now() / MINUTE);
    const ended = this.#minutes.get(minute) ?? { sent: 0, failed: 0 };
    ended[what] += 1;
    this.#minutes.set(minute, ended);
    this.#forget(minute);
  }

  /** Those of the last hour. */
  get ended(): Ended {
    this.#forget(Math.floor(Date.now() / MINUTE));
    const sum = { sent: 0, failed: 0 };
    for (const { sent, failed } of this.#minutes.values()) {
      sum.sent += sent;
      sum.failed += failed;
    }
    return sum;
  }

  #forget(now: number): void {
    // In the order of time: the first that is young enough ends it.
    for (const minute of this.#minutes.keys()) {
      if (minute > now - HOUR / MINUTE) return;
      this.#minutes.delete(minute);
    }
  }
}
