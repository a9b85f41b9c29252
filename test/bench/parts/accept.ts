import { BenchFleet } from '../fleet.ts';
import { BODIES, fill, send, type Accepted } from '../load.ts';
import { Program } from '../programs.ts';
import { Processes } from '../processes.ts';
import { settled } from '../records.ts';
import { median, type Row } from '../result.ts';
import { portOf, type Sinks } from '../sinks.ts';
import type { Drained } from './drain.ts';

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

/** Notifications that come at once, and then no more. */
const BURST = 10_000;

/**
 * The batch endpoint, in notifications, against the requests of bare Express: a burst, of which RabbitMQ gets most when all are answered
 * already, and so many that nothing of that can flatter the rate.
 */
async function batches(sinks: Sinks, { rounds, seconds }: AcceptSize, bare: string): Promise<Row[]> {
  const fleet = await BenchFleet.start(sinks);
  const body = (): string => JSON.stringify(BODIES.in_app());
  const express: number[] = [];
  const bursts: number[] = [];
  const streams: Drained[] = [];
  let stored = 0;
  const take = async (count: number): Promise<Drained> => {
    await settled(fleet, stored);
    stored += count;
    const processes = new Processes();
    processes.reset();
    const perSecond = (count * 1_000) / (await fill(fleet, count, BODIES.in_app));
    return { perSecond, cpu: processes.perNotification(count) };
  };
  try {
    await take(BURST);
    for (let round = 0; round < rounds; round += 1) {
      express.push((await send({ url: bare, seconds, body, connections: 32 })).perSecond);
      bursts.push((await take(BURST)).perSecond);
      streams.push(await take(seconds * 20_000));
    }
  } finally {
    await fleet.stop();
  }
  const against = { what: 'requests of bare Express', figure: median(express) };
  const row = (what: string, ours: number): Row => ({ part: 'accept', what, unit: 'per s', ours, against });
  return [
    row(`batches of 1 000, ${BURST} at once`, median(bursts)),
    {
      ...row('batches of 1 000, without end', median(streams.map(({ perSecond }) => perSecond))),
      target: { atLeast: 2 },
      ...(streams[0] && { cpu: streams[0].cpu }),
    },
  ];
}
