import type { Limit } from './lane-slots.ts';

/** Lets nothing start while operators have paused the channel or its provider, and before it is known whether they have. */
export class PauseLimit implements Limit {
  #isPaused = true;
  #wake = (): void => undefined;

  /** Whether nothing may start. */
  get isPaused(): boolean {
    return this.#isPaused;
  }

  /** Pauses, or lets go on. */
  set(isPaused: boolean): void {
    this.#isPaused = isPaused;
    if (!isPaused) this.#wake();
  }

  free(): number {
    return this.#isPaused ? 0 : Infinity;
  }

  onFree(wake: () => void): void {
    this.#wake = wake;
  }

  stop(): void {
    // Holds nothing.
  }
}
