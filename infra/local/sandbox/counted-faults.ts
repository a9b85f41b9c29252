/** Counts how often a fault was shown for a key, so that one that is meant for so many times ends. */
export class CountedFaults {
  readonly #shown = new Map<string, number>();

  /** Whether the fault is due for this key, and counts it. Without a limit it always is. */
  isDue(key: string, times: number | undefined): boolean {
    if (times === undefined) return true;
    const shown = this.#shown.get(key) ?? 0;
    if (shown >= times) return false;
    this.#shown.set(key, shown + 1);
    return true;
  }
}
