import type { AnyBulkWriteOperation, Collection, Db, Document } from 'mongodb';
import { CHANNEL_NAMES, type Channel } from '../../contracts/index.ts';
import { DAY, HOUR, MINUTE, SECOND } from '../../runtime/duration.ts';
import { bounded } from '../bounded.ts';
import { GONE } from '../notifications/collection.ts';
import type { Entry } from './journal.ts';

/** The lengths of time that are summed up, in milliseconds, and how long the sums are kept. */
const STEPS = { minute: { ms: MINUTE, keepMs: 2 * DAY }, hour: { ms: HOUR, keepMs: 90 * DAY } } as const;

/** One of them. */
export type Step = keyof typeof STEPS;

/** Upper ends of the classes of latency, in milliseconds; what took longer than the last one is in a class of its own. */
export const LATENCY_CLASSES_MS = [
  5,
  10,
  20,
  50,
  100,
  200,
  500,
  SECOND,
  2 * SECOND,
  5 * SECOND,
  10 * SECOND,
  30 * SECOND,
  MINUTE,
  2 * MINUTE,
  5 * MINUTE,
  10 * MINUTE,
  30 * MINUTE,
  HOUR,
  3 * HOUR,
  DAY,
] as const;

/** What is counted of a channel: how many were accepted, sent, put back for a retry, given up, delivered, and came back. */
export interface ChannelRates {
  accepted?: number;
  sent?: number;
  failed?: number;
  dead?: number;
  delivered?: number;
  bounced?: number;
  /** From when it was due to when it was sent: how many in which class, by its place in `LATENCY_CLASSES_MS`. */
  latency?: Record<string, number>;
}

/** What happened in one minute or hour. */
export interface Rates {
  _id: string;
  step: Step;
  at: Date;
  channels: Partial<Record<Channel, ChannelRates>>;
}

/**
 * How much happened when, for charts: sums of the same journal that the books are kept by. A process that dies at the wrong
 * moment, and each recount of the books, may leave a second of it out; the books themselves never do.
 */
export class RatesLog {
  readonly #rates: Collection<Rates>;

  constructor(db: Db) {
    // Worth no wait for the journal, which those who hand notifications over wait for: a lost second is seen in no chart.
    this.#rates = bounded(db.collection<Rates>('rates', { writeConcern: { w: 1 } }));
  }

  /** Adds what a page of the journal tells. */
  async add(entries: readonly Entry[]): Promise<void> {
    const operations = (Object.keys(STEPS) as Step[]).flatMap((step) => operationsOf(step, entries));
    if (operations.length > 0) await this.#rates.bulkWrite(operations, { ordered: false });
  }

  /** The sums since a time, oldest first; lengths in which nothing happened are not there. */
  since(step: Step, from: Date): Promise<Rates[]> {
    return this.#rates
      .find({ step, at: { $gte: from } })
      .sort({ step: 1, at: 1 })
      .toArray();
  }
}

function operationsOf(step: Step, entries: readonly Entry[]): AnyBulkWriteOperation<Rates>[] {
  const { ms, keepMs } = STEPS[step];
  const sums = new Map<number, Record<string, number>>();
  for (const entry of entries) {
    const time = Math.floor(entry.wallTime.getTime() / ms) * ms;
    const sum = sums.get(time) ?? {};
    sums.set(time, sum);
    for (const path of pathsOf(entry)) sum[path] = (sum[path] ?? 0) + 1;
  }
  return [...sums].flatMap(([time, sum]) => {
    if (Object.keys(sum).length === 0) return [];
    const at = new Date(time);
    const update: Document = { $inc: sum, $setOnInsert: { step, at, delete_at: new Date(time + keepMs) } };
    return [{ updateOne: { filter: { _id: `${step} ${at.toISOString()}` }, update, upsert: true } }];
  });
}

const COUNTED: Readonly<Record<string, keyof ChannelRates>> = {
  sent: 'sent',
  failed: 'failed',
  failed_permanently: 'dead',
  delivered: 'delivered',
  bounced: 'bounced',
};

/** What a change adds one to. */
function pathsOf({ type, status, moved }: Entry): string[] {
  if (type && status) return [`channels.${type}.accepted`];
  const [channel, , to = GONE, tookMs] = moved?.split(' ') ?? [];
  const counted = COUNTED[to];
  if (channel === undefined || counted === undefined) return [];
  const path = `channels.${channel}`;
  return [
    `${path}.${counted}`,
    ...(to === 'sent' && tookMs !== undefined ? [`${path}.latency.${classOf(Number(tookMs))}`] : []),
  ];
}

function classOf(ms: number): number {
  const place = LATENCY_CLASSES_MS.findIndex((end) => ms <= end);
  return place === -1 ? LATENCY_CLASSES_MS.length : place;
}

/** The latency in milliseconds below which a share of all lies, as exactly as the classes are; undefined where nothing was sent. */
export function latencyQuantile(rates: readonly ChannelRates[], share: number): number | undefined {
  const counts = new Array<number>(LATENCY_CLASSES_MS.length + 1).fill(0);
  for (const { latency = {} } of rates)
    for (const [place, count] of Object.entries(latency))
      counts[Number(place)] = (counts[Number(place)] ?? 0) + count;
  let left = share * counts.reduce((sum, count) => sum + count, 0);
  if (left === 0) return undefined;
  for (const [place, count] of counts.entries()) {
    if (count >= left) return within(place, left / count);
    left -= count;
  }
  return undefined;
}

/** Between the ends of a class, as if what is in it were spread evenly. */
function within(place: number, share: number): number {
  const from = LATENCY_CLASSES_MS[place - 1] ?? 0;
  const to = LATENCY_CLASSES_MS[place] ?? from;
  return from + share * (to - from);
}

/** The rates of one channel, or of all. */
export function ratesOf({ channels }: Pick<Rates, 'channels'>, channel?: Channel): ChannelRates[] {
  return (channel ? [channel] : CHANNEL_NAMES).flatMap((name) => channels[name] ?? []);
}
