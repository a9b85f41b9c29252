import type { Limit } from './lane-slots.ts';

/**
 * Lets deliveries go on side by side, except for suspects: one whose sending was interrupted before runs when nothing else does, so that
 * it takes no innocents along if it ends the process again. As a limit it lets nothing new be claimed meanwhile, and what was claimed all the
 * same is not started: who waits with a claim dies with the process, and would count as interrupted.
 */
export class Isolation implements Limit {
  #running = 0;
  #hasSuspect = false;
  /** Claims with a suspect that have not begun: nothing more is claimed beside those either. */
  #expected = 0;
  #turn = (): void => undefined;
  #wake = (): void => undefined;

  free(): number {
    return this.#hasSuspect || this.#expected > 0 ? 0 : Infinity;
  }

  /** A claim brought a suspect, which runs soon: call what this answers when it has begun. */
  expect(): () => void {
    this.#expected += 1;
    return () => {
      this.#expected -= 1;
      if (this.#expected === 0) this.#wake();
    };
  }

  onFree(wake: () => void): void {
    this.#wake = wake;
  }

  stop(): void {
    this.#wake = () => undefined;
  }

  /** Starts it side by side with others, or a suspect as soon as it is alone; undefined, and not started, while there is a suspect. */
  run(isSuspect: boolean, work: () => Promise<void>): Promise<void> | undefined {
    if (this.#hasSuspect) return undefined;
    return isSuspect ? this.#alone(work) : this.#together(work);
  }

  async #together(work: () => Promise<void>): Promise<void> {
    this.#running += 1;
    try {
      await work();
    } finally {
      this.#running -= 1;
      if (this.#running === 0) this.#turn();
    }
  }

  async #alone(work: () => Promise<void>): Promise<void> {
    this.#hasSuspect = true;
    if (this.#running > 0) await new Promise<void>((resolve) => (this.#turn = resolve));
    try {
      await work();
    } finally {
      this.#hasSuspect = false;
      this.#turn = () => undefined;
      this.#wake();
    }
  }
}
