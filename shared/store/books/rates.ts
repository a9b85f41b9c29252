import type { AnyBulkWriteOperation, Collection, Db } from 'mongodb';
import { CHANNEL_NAMES, type Channel } from '../../contracts/index.ts';
import { DAY, HOUR, MINUTE } from '../../runtime/duration.ts';
import { bounded } from '../bounded.ts';
import { GONE } from '../notifications/collection.ts';
import type { Entry } from './journal.ts';
import { roundedUp, type Latencies } from './latencies.ts';

/** The lengths of time that are summed up, in milliseconds, and how long the sums are kept. */
const STEPS = { minute: { ms: MINUTE, keepMs: 2 * DAY }, hour: { ms: HOUR, keepMs: 90 * DAY } } as const;

/** One of them. */
export type Step = keyof typeof STEPS;

/** What is counted of a channel: how many were accepted, sent, put back for a retry, given up, delivered, and came back. */
export interface ChannelRates extends Latencies {
  accepted?: number;
  sent?: number;
  failed?: number;
  dead?: number;
  delivered?: number;
  bounced?: number;
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

/** What is added to the sums of one minute or hour, and what may raise a maximum there: by path. */
interface Change {
  $inc: Record<string, number>;
  $max: Record<string, number>;
}

function operationsOf(step: Step, entries: readonly Entry[]): AnyBulkWriteOperation<Rates>[] {
  const { ms, keepMs } = STEPS[step];
  const changes = new Map<number, Change>();
  for (const entry of entries) {
    const time = Math.floor(entry.wallTime.getTime() / ms) * ms;
    const change = changes.get(time) ?? { $inc: {}, $max: {} };
    changes.set(time, change);
    takeIn(entry, change);
  }
  return [...changes].flatMap(([time, { $inc, $max }]) => {
    if (Object.keys($inc).length === 0) return [];
    const at = new Date(time);
    const update = { $inc, $max, $setOnInsert: { step, at, delete_at: new Date(time + keepMs) } };
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

function takeIn({ type, status, moved }: Entry, { $inc, $max }: Change): void {
  const count = (path: string): void => {
    $inc[path] = ($inc[path] ?? 0) + 1;
  };
  if (type && status) count(`channels.${type}.accepted`);
  const [channel, , to = GONE, tookMs] = moved?.split(' ') ?? [];
  const counted = COUNTED[to];
  if (channel === undefined || counted === undefined) return;
  count(`channels.${channel}.${counted}`);
  if (to !== 'sent' || tookMs === undefined) return;
  // Below zero only where two clocks disagree.
  const ms = Math.max(0, Number(tookMs));
  const slowest = `channels.${channel}.slowest_ms`;
  count(`channels.${channel}.took.${roundedUp(ms)}`);
  $max[slowest] = Math.max($max[slowest] ?? 0, ms);
}

/** The rates of one channel, or of all. */
export function ratesOf({ channels }: Pick<Rates, 'channels'>, channel?: Channel): ChannelRates[] {
  return (channel ? [channel] : CHANNEL_NAMES).flatMap((name) => channels[name] ?? []);
}
