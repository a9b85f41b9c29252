import { createTestServers } from '../../support/servers.ts';
import { BenchFleet } from '../fleet.ts';
import { BODIES, fill, type BenchChannel } from '../load.ts';
import { Program } from '../programs.ts';
import { drained } from '../records.ts';
import { median, type Row } from '../result.ts';
import type { Sinks } from '../sinks.ts';

/** How much is measured: notifications of a round, by channel. */
export interface DrainSize {
  rounds: number;
  counts: Partial<Record<BenchChannel, number>>;
}

const SERVICE = { in_app: 'in-app', email: 'email', sms: 'sms' } as const;
/** The default of EMAIL_CONCURRENCY: the bare loop gets as many connections. */
const CONNECTIONS = 20;

/** A backlog that is there before the consumer starts, against the least that could be written by hand. */
export async function measureDrain(sinks: Sinks, { rounds, counts }: DrainSize): Promise<Row[]> {
  const floors: Record<BenchChannel, (count: number) => Promise<Peer | undefined>> = {
    in_app: startFloor,
    email: () => startMailLoop(sinks.smtpPort),
    sms: () => Promise.resolve(undefined),
  };
  const rows: Row[] = [];
  for (const [channel, count] of Object.entries(counts) as [BenchChannel, number][]) {
    const ours: number[] = [];
    const theirs: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const peer = await floors[channel](count);
      if (peer) theirs.push(await peer.perSecond());
      await peer?.stop();
      ours.push(await drainOnce(sinks, channel, count));
    }
    rows.push(rowOf(channel, { count, ours, theirs }));
  }
  return rows;
}

/** One backlog through some consumers of a channel; answers notifications per second. */
export async function drainOnce(
  sinks: Sinks,
  channel: BenchChannel,
  count: number,
  consumers = 1,
): Promise<number> {
  const fleet = await BenchFleet.start(sinks);
  try {
    await fill(fleet, count, BODIES[channel]);
    await Promise.all(Array.from({ length: consumers }, () => fleet.add(SERVICE[channel])));
    return (await drained(fleet)).perSecond;
  } finally {
    await fleet.stop();
  }
}

function rowOf(
  channel: BenchChannel,
  { count, ours, theirs }: { count: number; ours: number[]; theirs: number[] },
): Row {
  const names = { in_app: 'a hand-written loop', email: 'a bare nodemailer loop', sms: '' };
  const targets = { in_app: 0.6, email: 0.8, sms: undefined };
  const atLeast = targets[channel];
  return {
    part: 'deliver',
    what: `${channel}, a backlog of ${count}, one consumer`,
    unit: 'per s',
    ours: median(ours),
    ...(theirs.length > 0 && { against: { what: names[channel], figure: median(theirs) } }),
    ...(atLeast !== undefined && { target: { atLeast } }),
  };
}

interface Peer {
  perSecond: () => Promise<number>;
  stop: () => Promise<void>;
}

async function startFloor(count: number): Promise<Peer> {
  const servers = await createTestServers();
  const { program } = await Program.start('peers/floor.ts', {
    FLOOR_RABBITMQ_URL: servers.rabbitmqUrl,
    FLOOR_MONGO_URI: servers.mongoUri,
  });
  await program.ask({ act: 'fill', count });
  return {
    perSecond: async () => rate(count, await program.ask({ act: 'drain', count })),
    stop: async () => {
      await program.stop();
      await servers.drop();
    },
  };
}

async function startMailLoop(port: number): Promise<Peer> {
  const { program } = await Program.start('peers/mail-loop.ts', {
    LOOP_SMTP_PORT: String(port),
    LOOP_CONNECTIONS: String(CONNECTIONS),
  });
  const count = 3_000;
  await program.ask({ count: 500 });
  return {
    perSecond: async () => rate(count, await program.ask({ count })),
    stop: () => program.stop(),
  };
}

function rate(count: number, answer: unknown): number {
  return (count * 1_000) / (answer as { ms: number }).ms;
}
