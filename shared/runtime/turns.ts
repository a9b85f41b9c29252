import { setImmediate } from 'node:timers/promises';

/** How long work may hold the event loop before others have their turn; milliseconds. */
const TURN_MS = 5;

/** Splits long work of one caller into short turns, so that no other caller waits for all of it. */
export class Turns {
  #since = performance.now();

  /** Resolves at once, or after others had their turn. Call it between two steps. */
  async next(): Promise<void> {
    if (performance.now() - this.#since < TURN_MS) return;
    await setImmediate();
    this.#since = performance.now();
  }
}
