import { pause } from '../../../shared/runtime/backoff.ts';
import { BenchFleet } from '../fleet.ts';
import { Agent } from 'node:http';
import { BODIES, fill, post, send, sendEvenly } from '../load.ts';
import { drained, settled } from '../records.ts';
import { percentile, type Row } from '../result.ts';
import type { Received, Sinks } from '../sinks.ts';

/** Latency at one load. */
export interface LatencyPoint {
  /** Share of the capacity; 0 is one request at a time. */
  load: number;
  perSecond: number;
  p50: number;
  p95: number;
  p99: number;
}

/** From the client's request to the mail server's 250, at rising loads. */
export async function measureLatency(
  sinks: Sinks,
  { seconds, loads }: { seconds: number; loads: readonly number[] },
): Promise<{ rows: Row[]; points: LatencyPoint[] }> {
  const fleet = await BenchFleet.start(sinks, ['email']);
  try {
    const capacity = await capacityOf(fleet, sinks);
    const idle = await idleLatency(fleet, sinks, seconds);
    const points = [idle.delivered];
    for (const load of loads) points.push(await at(fleet, sinks, { load, capacity, seconds }));
    return { rows: [...idle.rows, ...points.slice(1).map(rowOf)], points };
  } finally {
    await fleet.stop();
  }
}

/** Mails a second from end to end, while they are accepted over HTTP. */
async function capacityOf(fleet: BenchFleet, sinks: Sinks): Promise<number> {
  await send({ ...mails(fleet), connections: 32, seconds: 4 });
  await drained(fleet);
  await sinks.received('email', { reset: true });
  const startedAt = Date.now();
  const { count } = await send({ ...mails(fleet), connections: 32, seconds: 6 });
  await drained(fleet);
  const { lastAt } = await sinks.received('email', { reset: true });
  return (count * 1_000) / (lastAt - startedAt);
}

async function idleLatency(
  fleet: BenchFleet,
  sinks: Sinks,
  seconds: number,
): Promise<{ rows: Row[]; delivered: LatencyPoint }> {
  await sinks.received('email', { reset: true });
  const { url, headers, body } = mails(fleet);
  const agent = new Agent({ keepAlive: true });
  const accepted: number[] = [];
  for (let count = 0; count < seconds * 10; count += 1) {
    const startedAt = performance.now();
    await post(url, { agent, headers, body: body() });
    accepted.push(performance.now() - startedAt);
    await pause(80);
  }
  await drained(fleet);
  const delivered = pointOf(0, 1, await sinks.received('email', { reset: true }));
  return {
    rows: [
      row('one at a time: request → 202, p50', percentile(accepted, 50), 5),
      row('one at a time: request → the mail server’s 250, p50', delivered.p50, 15),
    ],
    delivered,
  };
}

async function at(
  fleet: BenchFleet,
  sinks: Sinks,
  { load, capacity, seconds }: { load: number; capacity: number; seconds: number },
): Promise<LatencyPoint> {
  await sinks.received('email', { reset: true });
  const rate = Math.max(1, Math.round(capacity * load));
  await sendEvenly({ ...mails(fleet), connections: 256, seconds, perSecond: rate });
  await drained(fleet);
  return pointOf(load, rate, await sinks.received('email', { reset: true }));
}

/** A transactional mail's latency while a long backlog of bulk mail is queued, against its value without. */
export async function measureLanes(sinks: Sinks, backlog: number, seconds: number): Promise<Row[]> {
  const fleet = await BenchFleet.start(sinks);
  try {
    await fill(fleet, backlog, () => ({ ...BODIES.email(), subject: 'News', lane: 'bulk' }));
    await settled(fleet);
    await fleet.add('email');
    // Warm-up.
    await pause(3_000);
    const busy = await trickle(fleet, sinks, seconds);
    await drained(fleet);
    const idle = await trickle(fleet, sinks, seconds);
    return [50, 99].map((rank) => ({
      part: 'lanes',
      what: `transactional mail with ${backlog} bulk mails queued: request → 250, p${rank}`,
      unit: 'ms',
      ours: percentile(busy.ages, rank),
      against: { what: 'with none queued', figure: percentile(idle.ages, rank) },
      ...(rank === 99 && { target: { atMost: 3 } }),
    }));
  } finally {
    await fleet.stop();
  }
}

/** A few mails a second, whose ages are taken. */
async function trickle(fleet: BenchFleet, sinks: Sinks, seconds: number): Promise<Received> {
  await sinks.received('email', { reset: true });
  await sendEvenly({ ...mails(fleet), connections: 256, seconds, perSecond: 20 });
  await pause(1_000);
  return sinks.received('email', { reset: true });
}

function mails(fleet: BenchFleet): { url: string; headers: Record<string, string>; body: () => string } {
  return {
    url: `${fleet.address}/v1/notifications`,
    headers: fleet.headers,
    body: () => JSON.stringify(BODIES.email()),
  };
}

function pointOf(load: number, perSecond: number, { ages }: Received): LatencyPoint {
  return {
    load,
    perSecond,
    p50: percentile(ages, 50),
    p95: percentile(ages, 95),
    p99: percentile(ages, 99),
  };
}

function rowOf({ load, perSecond, p50, p95, p99 }: LatencyPoint): Row {
  return {
    part: 'latency',
    what: `at ${load * 100} % of capacity (${perSecond} per s): request → 250, p50`,
    unit: 'ms',
    ours: p50,
    note: `p95 ${p95} ms, p99 ${p99} ms`,
  };
}

function row(what: string, ours: number, atMost: number): Row {
  return { part: 'latency', what, unit: 'ms', ours, target: { atMost } };
}
