import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findProgram } from '../../../infra/local/provision/run.ts';
import { freePort } from '../../../infra/local/ports.ts';
import { pause } from '../../../shared/runtime/backoff.ts';
import { BenchFleet } from '../fleet.ts';
import { BODIES, send } from '../load.ts';
import { Program } from '../programs.ts';
import { Processes } from '../processes.ts';
import { median, type Row } from '../result.ts';
import { portOf, type Sinks } from '../sinks.ts';

/** Mails a second: accepted while the load went on, and handed over from its first request to its last mail. */
interface Both {
  accepted: number;
  delivered: number;
  /** Milliseconds of CPU for each, by process. */
  cpu: Record<string, number>;
}

/** What is measured: a door, and headers that it wants. */
interface Door {
  address: string;
  headers?: Record<string, string>;
  stop: () => Promise<void>;
}

/** Side by side with Express + BullMQ + pooled nodemailer; nothing where there is no Redis. */
export async function measurePeer(
  sinks: Sinks,
  { rounds, seconds }: { rounds: number; seconds: number },
  say: (words: string) => void,
): Promise<Row[]> {
  const redis = findProgram('redis-server');
  if (redis === undefined) {
    say(
      '  no redis-server on this machine, so no comparison with Express + BullMQ (Debian: apt-get install redis-server)',
    );
    return [];
  }
  const theirs: Both[] = [];
  const ours: Both[] = [];
  for (let round = 0; round < rounds; round += 1) {
    theirs.push(await measure(sinks, await startBullmq(redis, sinks), seconds));
    const fleet = await BenchFleet.start(sinks, ['email']);
    ours.push(await measure(sinks, fleet, seconds));
  }
  const row = (what: 'accepted' | 'delivered'): Row => ({
    part: 'peer',
    what: `mails ${what}, 32 connections`,
    unit: 'per s',
    ours: median(ours.map((one) => one[what])),
    against: { what: 'Express + BullMQ', figure: median(theirs.map((one) => one[what])) },
    target: { atLeast: 1.2 },
  });
  return [
    row('accepted'),
    {
      ...row('delivered'),
      ...(ours[0] && { cpu: ours[0].cpu }),
      ...(theirs[0] && { cpuOfPeer: theirs[0].cpu }),
    },
  ];
}

async function measure(sinks: Sinks, door: Door, seconds: number): Promise<Both> {
  const { address, headers } = door;
  const processes = new Processes();
  const load = {
    url: `${address}/v1/notifications`,
    ...(headers && { headers }),
    connections: 32,
    body: () => JSON.stringify(BODIES.email()),
  };
  try {
    const warm = await send({ ...load, seconds: 3 });
    await received(sinks, warm.count);
    processes.reset();
    const startedAt = Date.now();
    const { perSecond, count } = await send({ ...load, seconds });
    const lastAt = await received(sinks, count);
    const cpu = processes.perNotification(count);
    return { accepted: perSecond, delivered: (count * 1_000) / (lastAt - startedAt), cpu };
  } finally {
    await door.stop();
  }
}

/** Waits for so many mails; answers when the last one came. */
async function received(sinks: Sinks, count: number): Promise<number> {
  for (;;) {
    const got = await sinks.received('email');
    if (got.count >= count) return (await sinks.received('email', { reset: true })).lastAt;
    await pause(200);
  }
}

async function startBullmq(redis: string, sinks: Sinks): Promise<Door> {
  const folder = mkdtempSync(join(tmpdir(), 'tidings-bench-'));
  const port = await freePort();
  const server = spawn(
    redis,
    ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--appendonly', 'yes'],
    {
      stdio: 'ignore',
    },
  );
  await untilOpen(port);
  const env = { PEER_REDIS_PORT: String(port), PEER_SMTP_PORT: String(sinks.smtpPort) };
  const door = await Program.start('peers/bullmq-server.ts', env);
  const worker = await Program.start('peers/bullmq-worker.ts', env);
  return {
    address: `http://127.0.0.1:${portOf(door)}`,
    stop: async () => {
      await Promise.all([door.program.stop(), worker.program.stop()]);
      server.kill('SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function untilOpen(port: number): Promise<void> {
  for (;;) {
    const isOpen = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => {
        socket.destroy();
        resolve(true);
      });
      socket.once('error', () => {
        resolve(false);
      });
    });
    if (isOpen) return;
    await pause(50);
  }
}
