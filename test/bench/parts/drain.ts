import { createTestServers } from '../../support/servers.ts';
import { BenchFleet } from '../fleet.ts';
import { BODIES, fill, type BenchChannel } from '../load.ts';
import { Program } from '../programs.ts';
import { Processes } from '../processes.ts';
import { sentIn, settled } from '../records.ts';
import { median, type Row } from '../result.ts';
import type { Sinks } from '../sinks.ts';

/** How much is measured: notifications of a round, by channel. */
export interface DrainSize {
  rounds: number;
  counts: Partial<Record<BenchChannel, number>>;
}

const SERVICE = { in_app: 'in-app', email: 'email', sms: 'sms' } as const;
/** What is not counted, of mails on both sides; of in-app ones, the first write has its beginning before what can be seen of it. */
const WARM_UP: Record<BenchChannel, number> = { in_app: 1, email: 500, sms: 500 };
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
    const ours: Drained[] = [];
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

/** What a drained backlog came to. */
export interface Drained {
  perSecond: number;
  /** Milliseconds of CPU for each notification, by process. */
  cpu: Record<string, number>;
}

/** How a backlog is drained. */
export interface DrainOptions {
  /** 1 when not given. */
  consumers?: number;
  /** Called when the backlog stands, before it is drained. */
  prepare?: (fleet: BenchFleet) => Promise<void>;
}

/** One backlog through some consumers of a channel. */
export async function drainOnce(
  sinks: Sinks,
  channel: BenchChannel,
  count: number,
  { consumers = 1, prepare }: DrainOptions = {},
): Promise<Drained> {
  const fleet = await BenchFleet.start(sinks);
  const processes = new Processes();
  try {
    await fill(fleet, count, BODIES[channel]);
    await settled(fleet);
    await prepare?.(fleet);
    await Promise.all(Array.from({ length: consumers }, () => fleet.add(SERVICE[channel])));
    processes.reset();
    const sent = await sentIn(fleet, WARM_UP[channel]);
    return { perSecond: sent.count / sent.seconds, cpu: processes.perNotification(count) };
  } finally {
    await fleet.stop();
  }
}

function rowOf(
  channel: BenchChannel,
  { count, ours, theirs }: { count: number; ours: Drained[]; theirs: number[] },
): Row {
  const names = { in_app: 'a hand-written loop', email: 'a bare nodemailer loop', sms: '' };
  const targets = { in_app: 0.6, email: 0.8, sms: undefined };
  const atLeast = targets[channel];
  return {
    part: 'deliver',
    what: `${channel}, a backlog of ${count}, one consumer`,
    unit: 'per s',
    ours: median(ours.map(({ perSecond }) => perSecond)),
    ...(ours[0] && { cpu: ours[0].cpu }),
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
  await program.ask({ count: WARM_UP.email });
  return {
    perSecond: async () => rate(count, await program.ask({ count })),
    stop: () => program.stop(),
  };
}

function rate(count: number, answer: unknown): number {
  return (count * 1_000) / (answer as { ms: number }).ms;
}
