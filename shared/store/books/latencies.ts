/** How long it took from when something was due to when it was sent, as the rates keep it. */
export interface Latencies {
  /** How many, by their milliseconds, rounded up (`roundedUp`). */
  took?: Record<string, number>;
  /** The longest of those, in milliseconds. */
  slowest_ms?: number;
}

/** Milliseconds up to the next that has two digits and then zeros: less than a tenth too much, and ninety values for each power of ten. */
export function roundedUp(ms: number): number {
  const unit = 10 ** Math.max(0, Math.floor(Math.log10(Math.max(1, ms))) - 1);
  return Math.ceil(ms / unit) * unit;
}

/**
 * How long a share of all took at most, in milliseconds: rounded up, and never more than the slowest one took; undefined where
 * nothing was sent.
 */
export function latencyQuantile(all: readonly Latencies[], share: number): number | undefined {
  const counts = all
    .flatMap(({ took = {} }) => Object.entries(took))
    .map(([ms, count]) => ({ ms: Number(ms), count }))
    .sort((a, b) => a.ms - b.ms);
  let left = Math.ceil(share * counts.reduce((sum, { count }) => sum + count, 0));
  for (const { ms, count } of counts) {
    left -= count;
    if (left <= 0) return Math.min(ms, slowestOf(all) ?? ms);
  }
  return undefined;
}

/** How long the slowest one took, in milliseconds; undefined where nothing was sent. */
export function slowestOf(all: readonly Latencies[]): number | undefined {
  const slowest = all.flatMap(({ slowest_ms: ms }) => ms ?? []);
  return slowest.length === 0 ? undefined : Math.max(...slowest);
}
