import type { Limit } from './lane-slots.ts';

/**
 * Lets deliveries go on side by side, except for suspects: one whose sending was interrupted before runs when nothing else does, so that
 * it takes no innocents along if it ends the process again. As a limit it lets nothing new be claimed meanwhile: who waits with a claim dies
 * with the process, and would count as interrupted.
 */
export class Isolation implements Limit {
  #running = 0;
  #alone = false;
  readonly #suspects: (() => void)[] = [];
  readonly #others: (() => void)[] = [];
  #wake = (): void => undefined;

  /** Whether a suspect runs or waits for its turn. */
  get hasSuspect(): boolean {
    return this.#alone || this.#suspects.length > 0;
  }

  free(): number {
    return this.hasSuspect ? 0 : Infinity;
  }

  onFree(wake: () => void): void {
    this.#wake = wake;
  }

  stop(): void {
    this.#wake = () => undefined;
  }

  /** Runs side by side with others. */
  async together<T>(work: () => Promise<T>): Promise<T> {
    // Who comes later waits behind a waiting suspect, or it would never get its turn.
    while (this.hasSuspect) await new Promise<void>((resolve) => this.#others.push(resolve));
    this.#running += 1;
    try {
      return await work();
    } finally {
      this.#running -= 1;
      this.#next();
    }
  }

  /** Runs alone. */
  async alone<T>(work: () => Promise<T>): Promise<T> {
    if (this.#alone || this.#running > 0) await new Promise<void>((resolve) => this.#suspects.push(resolve));
    this.#alone = true;
    try {
      return await work();
    } finally {
      this.#alone = false;
      this.#next();
    }
  }

  #next(): void {
    if (this.#alone || this.#running > 0) return;
    const suspect = this.#suspects.shift();
    if (suspect) {
      // Taken here already, so that nobody slips in before the suspect's turn of the event loop.
      this.#alone = true;
      suspect();
    } else {
      this.#others.splice(0).forEach((resolve) => {
        resolve();
      });
      this.#wake();
    }
  }
}
