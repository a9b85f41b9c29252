import { DAY, HOUR, MINUTE, SECOND } from '../../../shared/runtime/duration.ts';
import {
  latencyQuantile,
  ratesOf,
  slowestOf,
  type ChannelRates,
  type Latencies,
  type RatesLog,
  type Step,
} from '../../../shared/store/index.ts';

/** What charts can show: from now back, in points of so many milliseconds. */
export const RANGES = {
  hour: { ms: HOUR, pointMs: MINUTE, step: 'minute' },
  day: { ms: DAY, pointMs: 10 * MINUTE, step: 'minute' },
  week: { ms: 7 * DAY, pointMs: HOUR, step: 'hour' },
} as const satisfies Record<string, { ms: number; pointMs: number; step: Step }>;

/** One of them. */
export type Range = keyof typeof RANGES;

/** What a chart shows: one value for each point, by time. */
export interface Series {
  range: Range;
  point_seconds: number;
  /** Beginnings of the points, in seconds since the epoch. */
  at: number[];
  accepted: number[];
  sent: number[];
  failed: number[];
  dead: number[];
  delivered: number[];
  bounced: number[];
  /** Milliseconds from due to sent, rounded up to two digits but for the slowest; null where nothing was. */
  p50: (number | null)[];
  p95: (number | null)[];
  slowest: (number | null)[];
}

/** Puts the sums of a range into its points. A point in which nothing happened is zero; it has no latency. */
export async function seriesOf(rates: RatesLog, range: Range, now = Date.now()): Promise<Series> {
  const { ms, pointMs, step } = RANGES[range];
  const last = Math.floor(now / pointMs) * pointMs;
  const first = last - ms + pointMs;
  const points = Array.from({ length: ms / pointMs }, (): ChannelRates[] => []);
  for (const one of await rates.since(step, new Date(first)))
    points[Math.floor((one.at.getTime() - first) / pointMs)]?.push(...ratesOf(one));
  const sums = (of: Exclude<keyof ChannelRates, keyof Latencies>) =>
    points.map((point) => point.reduce((sum, one) => sum + (one[of] ?? 0), 0));
  const quantiles = (share: number) => points.map((point) => latencyQuantile(point, share) ?? null);
  return {
    range,
    point_seconds: pointMs / SECOND,
    at: points.map((_, index) => (first + index * pointMs) / SECOND),
    accepted: sums('accepted'),
    sent: sums('sent'),
    failed: sums('failed'),
    dead: sums('dead'),
    delivered: sums('delivered'),
    bounced: sums('bounced'),
    p50: quantiles(0.5),
    p95: quantiles(0.95),
    slowest: points.map((point) => slowestOf(point) ?? null),
  };
}
