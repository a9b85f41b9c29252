import { Problem } from '../api/problem.ts';

/** Passwords compared at once: each keeps a core busy for a quarter of a second, and others need cores, too. */
const AT_ONCE = 2;
/** Those that may wait for their turn: five seconds' worth. */
const MAX_WAITING = 40;

/** Compares passwords a few at a time: whoever sends thousands makes others wait for the sign-in, and for nothing else. */
export class Comparisons {
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  /** Runs one when it is its turn. @throws Problem when too many wait. */
  async run<T>(compare: () => Promise<T>): Promise<T> {
    if (this.#running >= AT_ONCE) await this.#turn();
    else this.#running += 1;
    try {
      return await compare();
    } finally {
      const next = this.#waiting.shift();
      // The place passes on to the next one.
      if (next) next();
      else this.#running -= 1;
    }
  }

  #turn(): Promise<void> {
    if (this.#waiting.length >= MAX_WAITING)
      throw new Problem('too_many_requests', {
        detail: 'Too many sign in just now.',
        headers: { 'retry-after': '5' },
      });
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}
