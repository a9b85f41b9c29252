/** Milliseconds in one second. */
export const SECOND = 1_000;
/** Milliseconds in one minute. */
export const MINUTE = 60 * SECOND;
/** Milliseconds in one hour. */
export const HOUR = 60 * MINUTE;
/** Milliseconds in one day. */
export const DAY = 24 * HOUR;

const UNITS = [
  ['d', DAY],
  ['h', HOUR],
  ['m', MINUTE],
  ['s', SECOND],
  ['ms', 1],
] as const;

/**
 * Reads a duration such as `30s`, `2m`, `1h` or `250ms` into milliseconds.
 * Returns undefined for anything else, so that a schema can name the field.
 */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d{1,9})(ms|s|m|h|d)$/.exec(text.trim());
  const unit = UNITS.find(([name]) => name === match?.[2]);
  return match && unit ? Number(match[1]) * unit[1] : undefined;
}

/** Writes milliseconds in the largest unit that divides them: 120000 → `2m`. It names wait queues, so it is stable. */
export function formatDuration(ms: number): string {
  const [name, size] = UNITS.find(([, unitMs]) => ms >= unitMs && ms % unitMs === 0) ?? ['ms', 1];
  return `${ms / size}${name}`;
}
