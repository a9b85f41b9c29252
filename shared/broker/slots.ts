/** A bound on how much goes on at once, first come, first served. */
export class Slots {
  readonly #size: number;
  readonly #waiting: (() => void)[] = [];
  #idle: (() => void)[] = [];
  #taken = 0;
  #paused = 0;

  constructor(size: number) {
    this.#size = size;
  }

  /** How many are taken. */
  get taken(): number {
    return this.#taken;
  }

  /** Takes a slot, waiting for one if need be. */
  acquire(): Promise<void> {
    if (this.#paused === 0 && this.#taken < this.#size) {
      this.#taken += 1;
      return Promise.resolve();
    }
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Gives a slot back. */
  release(): void {
    this.#taken -= 1;
    this.#hand();
    if (this.#taken === 0 && this.#waiting.length === 0)
      this.#idle.splice(0).forEach((resolve) => {
        resolve();
      });
  }

  /** Hands out no more until `resume`; pauses add up. */
  pause(): void {
    this.#paused += 1;
  }

  /** Takes one pause back. */
  resume(): void {
    this.#paused -= 1;
    this.#hand();
  }

  /** Resolves when nobody holds or waits for a slot. */
  idle(): Promise<void> {
    if (this.#taken === 0 && this.#waiting.length === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  #hand(): void {
    while (this.#paused === 0 && this.#taken < this.#size) {
      const next = this.#waiting.shift();
      if (!next) return;
      this.#taken += 1;
      next();
    }
  }
}
