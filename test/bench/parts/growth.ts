import { BenchFleet } from '../fleet.ts';
import { BODIES, fill } from '../load.ts';
import { sentIn, settled } from '../records.ts';
import { Processes } from '../processes.ts';
import type { Row } from '../result.ts';
import type { Sinks } from '../sinks.ts';
import { drainOnce } from './drain.ts';

/** Throughput at one length of the backlog. */
export interface GrowthPoint {
  backlog: number;
  perSecond: number;
  consumerMiB: number;
  producerMiB: number;
  /** Milliseconds of CPU for each notification, by process. */
  cpu?: Record<string, number>;
}

/** What a backlog costs when it grows: rate and memory of the same consumer. */
export async function measureGrowth(
  sinks: Sinks,
  backlogs: readonly number[],
): Promise<{ rows: Row[]; points: GrowthPoint[] }> {
  const points: GrowthPoint[] = [];
  for (const backlog of backlogs) points.push(await pointAt(sinks, backlog));
  return { rows: rowsOf(points), points };
}

/** What is over in a blink is measured several times, until so many were sent in all, or so often. */
const ENOUGH = { sent: 30_000, rounds: 10 };

function pointAt(sinks: Sinks, backlog: number): Promise<GrowthPoint> {
  return at(sinks, backlog, Math.min(ENOUGH.rounds, Math.ceil(ENOUGH.sent / backlog)));
}

/** A backlog through one consumer, round after round; the counts and times of all rounds together. */
async function at(sinks: Sinks, backlog: number, rounds: number): Promise<GrowthPoint> {
  const all = { count: 0, seconds: 0 };
  let memory = { consumerMiB: 0, producerMiB: 0 };
  let cpu: Record<string, number> | undefined;
  for (let round = 0; round < rounds; round += 1) {
    const fleet = await BenchFleet.start(sinks);
    const processes = new Processes();
    try {
      await fill(fleet, backlog, BODIES.in_app);
      await settled(fleet);
      processes.reset();
      await fleet.add('in-app');
      const { count, seconds } = await sentIn(fleet);
      all.count += count;
      all.seconds += seconds;
      const usage = processes.usage();
      memory = { consumerMiB: usage['in-app']?.peakMiB ?? 0, producerMiB: usage.producer?.peakMiB ?? 0 };
      // Of a short one, starting the consumer costs more than all of it.
      if (backlog >= ENOUGH.sent) cpu = processes.perNotification(backlog);
    } finally {
      await fleet.stop();
    }
  }
  return { backlog, perSecond: all.count / all.seconds, ...memory, ...(cpu && { cpu }) };
}

function rowsOf(points: readonly GrowthPoint[]): Row[] {
  const [first] = points;
  const last = points.at(-1);
  if (!first || !last) return [];
  const memory = (what: string, ours: number, atMost: number): Row => ({
    part: 'growth',
    what: `${what} at most, with a backlog of ${last.backlog}`,
    unit: 'MiB',
    ours,
    target: { atMost },
  });
  return [
    ...points.map(({ backlog, perSecond, cpu }) => ({
      part: 'growth',
      what: `in_app, a backlog of ${backlog}`,
      unit: 'per s',
      ours: perSecond,
      ...(cpu && { cpu }),
      against: { what: `with ${first.backlog}`, figure: first.perSecond },
      ...(backlog === last.backlog && { target: { atLeast: 0.9 } }),
    })),
    memory('the consumer’s memory', last.consumerMiB, 200),
    memory('the producer’s memory', last.producerMiB, 250),
  ];
}

/** The same backlog through one, two and four consumers. */
export async function measureScale(sinks: Sinks, count: number): Promise<Row[]> {
  const rows: Row[] = [];
  for (const channel of ['in_app', 'email'] as const) {
    const { perSecond: one } = await drainOnce(sinks, channel, count);
    for (const consumers of [1, 2, 4])
      rows.push({
        part: 'scale',
        what: `${channel}, ${consumers} consumers`,
        unit: 'per s',
        ours: consumers === 1 ? one : (await drainOnce(sinks, channel, count, { consumers })).perSecond,
        against: { what: 'with one', figure: one },
      });
  }
  return rows;
}
