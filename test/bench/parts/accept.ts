import { BenchFleet } from '../fleet.ts';
import { BODIES, fill, send, type Accepted } from '../load.ts';
import { Program } from '../programs.ts';
import { Processes } from '../processes.ts';
import { drained, settled } from '../records.ts';
import { median, type Row } from '../result.ts';
import { portOf, type Sinks } from '../sinks.ts';

/** How much is measured. */
export interface AcceptSize {
  connections: readonly number[];
  rounds: number;
  seconds: number;
}

/** Accepting over HTTP, durably, beside an Express handler that does nothing; round by round, in turn. */
export async function measureAccept(sinks: Sinks, size: AcceptSize): Promise<Row[]> {
  const express = await Program.start('peers/bare-express.ts');
  const bare = `http://127.0.0.1:${portOf(express)}/v1/notifications`;
  try {
    const off = await whileConsumersAre('off', sinks, size, bare);
    const on = await whileConsumersAre('keeping up', sinks, { ...size, connections: [32] }, bare);
    return [...off, ...on, ...(await batches(sinks, size, bare))];
  } finally {
    await express.program.stop();
  }
}

async function whileConsumersAre(
  what: 'off' | 'keeping up',
  sinks: Sinks,
  { connections, rounds, seconds }: AcceptSize,
  bare: string,
): Promise<Row[]> {
  const fleet = await BenchFleet.start(sinks, what === 'off' ? [] : ['in-app']);
  const body = (): string => JSON.stringify(BODIES.in_app());
  const ours = { url: `${fleet.address}/v1/notifications`, headers: fleet.headers, seconds, body };
  const theirs = { url: bare, seconds, body };
  try {
    // Warm-up, of both.
    await send({ ...theirs, connections: 32 });
    await send({ ...ours, connections: 32 });
    const processes = new Processes();
    const rows: Row[] = [];
    for (const count of connections) {
      const pairs: [Accepted, Accepted][] = [];
      let cpu = {};
      for (let round = 0; round < rounds; round += 1) {
        await atRest(fleet, what);
        const bareExpress = await send({ ...theirs, connections: count });
        processes.reset();
        const accepted = await send({ ...ours, connections: count });
        cpu = processes.perNotification(accepted.count);
        pairs.push([bareExpress, accepted]);
      }
      rows.push({ ...rowOf(what, count, pairs), cpu });
    }
    return rows;
  } finally {
    await fleet.stop();
  }
}

/** The peer is measured while the fleet has nothing left to do. */
async function atRest(fleet: BenchFleet, consumers: 'off' | 'keeping up'): Promise<void> {
  if (consumers === 'off') await settled(fleet);
  else await drained(fleet);
}

function rowOf(what: string, connections: number, pairs: readonly [Accepted, Accepted][]): Row {
  const target = what === 'off' ? 0.5 : 0.35;
  return {
    part: 'accept',
    what: `${connections} connections, consumers ${what}`,
    unit: 'per s',
    ours: median(pairs.map(([, ours]) => ours.perSecond)),
    against: { what: 'bare Express', figure: median(pairs.map(([bare]) => bare.perSecond)) },
    note: `p50 ${median(pairs.map(([, ours]) => ours.p50))} ms`,
    ...(connections === 32 && { target: { atLeast: target } }),
  };
}

/** Notifications that come at once, and then no more; and so many that it makes little difference what RabbitMQ has not got yet. */
const COUNTS = { burst: 10_000, perSecond: 20_000 };

interface Taken {
  perSecond: number;
  /** Milliseconds of CPU for each notification, by process. */
  cpu: Record<string, number>;
}

/** The batch endpoint, in notifications, against the requests of bare Express. */
async function batches(sinks: Sinks, { rounds, seconds }: AcceptSize, bare: string): Promise<Row[]> {
  const fleet = await BenchFleet.start(sinks);
  const body = (): string => JSON.stringify(BODIES.in_app());
  const express: number[] = [];
  const bursts: Taken[] = [];
  const rows: Taken[] = [];
  const inARow = seconds * COUNTS.perSecond;
  try {
    await take(fleet, COUNTS.burst);
    for (let round = 0; round < rounds; round += 1) {
      await settled(fleet);
      express.push((await send({ url: bare, seconds, body, connections: 32 })).perSecond);
      bursts.push(await take(fleet, COUNTS.burst));
      rows.push(await take(fleet, inARow));
    }
  } finally {
    await fleet.stop();
  }
  const against = { what: 'requests of bare Express', figure: median(express) };
  const rowFor = (what: string, taken: Taken[]): Row => ({
    part: 'accept',
    what: `batches of 1 000, ${what}`,
    unit: 'per s',
    ours: median(taken.map(({ perSecond }) => perSecond)),
    against,
    ...(taken[0] && { cpu: taken[0].cpu }),
  });
  return [
    rowFor(`${COUNTS.burst} at once`, bursts),
    { ...rowFor(`${inARow} in a row`, rows), target: { atLeast: 2 } },
  ];
}

async function take(fleet: BenchFleet, count: number): Promise<Taken> {
  await settled(fleet);
  const processes = new Processes();
  processes.reset();
  const perSecond = (count * 1_000) / (await fill(fleet, count, BODIES.in_app));
  return { perSecond, cpu: processes.perNotification(count) };
}
