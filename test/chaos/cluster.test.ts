import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startCluster, type Cluster } from '../../infra/chaos/cluster/cluster.ts';
import { BROKEN_FLEETS } from '../../infra/chaos/faults/broken.ts';
import { FAULTS } from '../../infra/chaos/faults/index.ts';
import { runFault, type RunResult } from '../../infra/chaos/run.ts';
import { complaintsOf } from '../../infra/chaos/table.ts';
import type { Fault, World } from '../../infra/chaos/world.ts';
import { SHIELD_POLICY } from '../../infra/local/shield.ts';
import { startCommand } from '../support/command.ts';
import { createTestServers } from '../support/servers.ts';
import { until } from '../support/until.ts';

/** The bounded part of the chaos suite: `npm run chaos` runs all of it. */
const root = process.cwd();
let cluster: Cluster;

beforeAll(async () => {
  cluster = await startCluster({ root, dataDir: join(root, '.data/test/chaos') });
}, 120_000);
afterAll(async () => {
  await cluster.kill();
}, 60_000);

function run(fault: Fault, more: { count: number; patienceSeconds: number }): Promise<RunResult> {
  return runFault({ root, cluster, fault, seed: 42, perSecond: 300, say: () => undefined, ...more });
}

const named = (name: string): Fault => {
  const found = [...FAULTS, ...BROKEN_FLEETS].find((fault) => fault.name === name);
  if (!found) throw new Error(`no fault ${name}`);
  return found;
};

/** What the management API says of a queue. */
interface Queue {
  name: string;
  policy?: string;
}

/** Three kinds of death in one run, while the load goes on: ours, RabbitMQ's, MongoDB's. */
const SEVERAL_DEATHS: Fault = {
  name: 'several deaths',
  what: 'consumers are killed, and meanwhile the leader of a queue and the primary, too',
  mayRefuse: true,
  inject: async (world: World) => {
    await Promise.all(
      ['kill-consumer', 'rabbitmq-kill-leader', 'mongodb-kill-primary'].map(async (name, index) => {
        await world.seconds(index * 3);
        await named(name).inject(world);
      }),
    );
  },
};

describe('under load, the fleet', () => {
  test('loses nothing when consumers, a RabbitMQ node and the primary of MongoDB are killed', async () => {
    const result = await run(SEVERAL_DEATHS, { count: 3_000, patienceSeconds: 90 });
    expect(complaintsOf(result)).toEqual([]);
    expect(result.verdict.terminal).toBeGreaterThanOrEqual(result.verdict.accepted);
  }, 200_000);
  test('resets no connection and doubles nothing when every process is restarted in turn', async () => {
    const { verdict, ...result } = await run(named('rolling-restart'), { count: 2_500, patienceSeconds: 60 });
    expect(complaintsOf({ verdict, ...result })).toEqual([]);
    expect([verdict.duplicates, verdict.ambiguous, verdict.bound]).toEqual([0, 0, 0]);
  }, 120_000);
});

// Side by side, each on a virtual host and a database of its own: most of the time they wait.
describe.concurrent('the checker sees the loss', () => {
  test.each(['broken-no-relay', 'broken-acks-first', 'broken-forgets'])(
    'of %s',
    async (name) => {
      // Longer than a lease, so that what is merely interrupted has come to rest.
      const { ok, verdict } = await run(named(name), { count: 1_000, patienceSeconds: 20 });
      expect([ok, verdict.lostBy]).toEqual([true, expect.anything()]);
    },
    200_000,
  );
});

test('npm start takes the URLs of three RabbitMQ nodes beside a management URL, and shields its own virtual host', async () => {
  const vhost = 'started-here';
  await cluster.rabbitmq.createVhost(vhost);
  const { mongoUri, drop } = await createTestServers();
  const dataDir = mkdtempSync(join(root, '.data/test/on-cluster-'));
  const fleet = startCommand(['infra/local/bootstrap.mjs', 'start'], {
    ...process.env,
    TIDINGS_DATA_DIR: dataDir,
    PORT: '0',
    GRPC_PORT: '0',
    RABBITMQ_URL: cluster.rabbitmq.url(vhost),
    RABBITMQ_MANAGEMENT_URL: cluster.rabbitmq.managementUrl,
    MONGO_URI: mongoUri,
  });
  try {
    await until(() => {
      if (fleet.child.exitCode !== null) throw new Error(fleet.output());
      return fleet.output().includes('Tidings is ready');
    }, 80_000);
    const policies = await cluster.rabbitmq.management('GET', 'policies');
    expect(policies).toMatchObject([{ name: SHIELD_POLICY.name, vhost }]);
    // The management API hears of them a few seconds later.
    await until(async () => {
      const queues = (await cluster.rabbitmq.management('GET', `queues/${vhost}`)) as Queue[];
      const ours = queues.filter(({ name }) => name.startsWith('tidings.'));
      return ours.length > 0 && ours.every(({ policy }) => policy === SHIELD_POLICY.name);
    }, 20_000);
    expect(fleet.output()).not.toContain('shield policy could not');
  } finally {
    await fleet.stop();
    await drop();
    await cluster.rabbitmq.dropVhost(vhost);
    rmSync(dataDir, { recursive: true, force: true });
  }
}, 180_000);
