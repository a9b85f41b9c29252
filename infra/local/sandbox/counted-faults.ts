/** Keys remembered at most; the oldest go first, so that a sandbox may run for weeks. */
const CAPACITY = 10_000;

/** Counts how often a fault was shown for a key, so that one that is meant for so many times ends. */
export class CountedFaults {
  readonly #shown = new Map<string, number>();

  /** Whether the fault is due for this key, and counts it. Without a limit it always is. */
  isDue(key: string, times: number | undefined): boolean {
    if (times === undefined) return true;
    const shown = this.#shown.get(key) ?? 0;
    if (shown >= times) return false;
    this.#shown.set(key, shown + 1);
    if (this.#shown.size > CAPACITY) this.#forgetOldest();
    return true;
  }

  #forgetOldest(): void {
    for (const key of this.#shown.keys()) {
      this.#shown.delete(key);
      return;
    }
  }
}
