import { MINUTE } from '../../../shared/runtime/duration.ts';

/** Working out a figure takes a twentieth of the time at most, however many ask for it. */
const REST_PER_RUN = 20;
/** A figure that cannot be had is asked for again after so long at most, in milliseconds. */
const REST_AT_MOST_MS = 10 * MINUTE;
/** And after so long at least: what failed fast would be asked for all the time. Milliseconds. */
const REST_AFTER_FAILURE_MS = 1_000;

/**
 * A figure that is expensive to work out, shared by all who ask: one run at a time, and its result holds for twenty times as long as the
 * run took. After a failure the last result holds, and the pauses between tries double.
 */
export class SharedFigure<T> {
  readonly #run: () => Promise<T>;
  readonly #now: () => number;
  #last: { value: T } | undefined;
  #failure: { thrown: unknown } | undefined;
  #running: Promise<void> | undefined;
  #restUntil = -Infinity;
  #failures = 0;

  /** `now` is in milliseconds, on any clock that only goes forward. */
  constructor(run: () => Promise<T>, now: () => number = () => performance.now()) {
    this.#run = run;
    this.#now = now;
  }

  /** The figure. @throws what the last run failed with, while no run has come through yet. */
  async read(): Promise<T> {
    if (this.#now() >= this.#restUntil) await (this.#running ??= this.#work());
    if (this.#last) return this.#last.value;
    throw this.#failure?.thrown;
  }

  async #work(): Promise<void> {
    const startedAt = this.#now();
    try {
      this.#last = { value: await this.#run() };
      this.#failures = 0;
    } catch (thrown) {
      this.#failure = { thrown };
      this.#failures += 1;
    }
    const endedAt = this.#now();
    this.#restUntil = endedAt + this.#restAfter(endedAt - startedAt);
    this.#running = undefined;
  }

  #restAfter(tookMs: number): number {
    const restMs = REST_PER_RUN * tookMs;
    if (this.#failures === 0) return restMs;
    const doubled = Math.max(REST_AFTER_FAILURE_MS, restMs) * 2 ** (this.#failures - 1);
    return Math.min(REST_AT_MOST_MS, doubled);
  }
}
