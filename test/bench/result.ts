/** One line of the report: what was measured, and against what, in the same run. */
export interface Row {
  /** Which part of the benchmark. */
  part: string;
  what: string;
  /** Figures by their unit, ours. */
  ours: number;
  unit: string;
  /** The other side of the ratio, measured in the same run. */
  against?: { what: string; figure: number };
  /** What the ratio should be, as a floor; or, for what should stay small, as a ceiling. */
  target?: { atLeast: number } | { atMost: number };
  note?: string;
  /** Milliseconds of CPU for each notification, by process. */
  cpu?: Record<string, number>;
  /** The same of the other side. */
  cpuOfPeer?: Record<string, number>;
}

/** Ours divided by theirs; undefined where there is nothing to hold it against. */
export function ratioOf({ ours, against }: Row): number | undefined {
  return against === undefined || against.figure === 0 ? undefined : ours / against.figure;
}

/** The middle of some figures; of an even number, the lower one of the two. */
export function median(figures: readonly number[]): number {
  return percentile(figures, 50);
}

/** A percentile by the nearest rank. @throws when there are no figures. */
export function percentile(figures: readonly number[], rank: number): number {
  const sorted = [...figures].sort((a, b) => a - b);
  const found = sorted[Math.max(0, Math.ceil((rank / 100) * sorted.length) - 1)];
  if (found === undefined) throw new Error('no figures');
  return found;
}
