import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { RabbitmqClusterNode } from '../../infra/chaos/cluster/rabbitmq-cluster.ts';
import { Server } from '../../infra/chaos/cluster/server.ts';
import { Ports } from '../../infra/local/ports.ts';
import { prepareRabbitmqNode } from '../../infra/local/provision/rabbitmq-node.ts';
import { ProvisionError } from '../../infra/local/provision/run.ts';
import { findRabbitmq } from '../../infra/local/provision/servers.ts';
import { notificationsOf, openStore } from '../../shared/store/index.ts';
import { startTestProducer, testConfig } from '../support/fleet.ts';
import { prepareInterruptibleFleet } from '../support/interruptible-fleet.ts';
import { runPeer, startPeer } from '../support/python-peers.ts';
import { createTestServers } from '../support/servers.ts';
import { until } from '../support/until.ts';

const EXAMPLE = 'docs/examples/amqp_requests.py';
const idsOf = (count: number): string[] => Array.from({ length: count }, (_, n) => `order-${n}`);
const lineOf = (message_id: string): string =>
  `${JSON.stringify({ message_id, request: { user_id: 'u1', type: 'in_app', message: message_id } })}\n`;
/** Never ends, so that the program which reads it is never done. */
function* endlessLines(): Generator<string> {
  for (let n = 0; ; n += 1) yield lineOf(`order-${n}`);
}

test('a producer killed in the middle of requests loses none, doubles none, and parks none', async () => {
  const fleet = await prepareInterruptibleFleet();
  try {
    const first = await fleet.start('producer');
    const ids = idsOf(1_200);
    const peer = startPeer(EXAMPLE, [], {
      env: { AMQP_URL: fleet.servers.rabbitmqUrl },
      input: ids.map(lineOf),
    });
    // Twice, each time while requests are on their way through it.
    let producer = first;
    for (const stored of [200, 700]) {
      await until(async () => (await fleet.notifications.countDocuments()) >= stored, 30_000);
      await producer.kill();
      producer = await fleet.start('producer');
    }
    expect([await peer.ended, peer.stderr()]).toEqual([0, '']);
    await until(async () => (await fleet.notifications.countDocuments()) === ids.length, 30_000);
    const depthOf = async (name: string): Promise<number> => {
      const { queues } = (await fleet.call('GET', '/stats')).json as {
        queues: { name: string; ready: number; unacknowledged: number }[];
      };
      return queues.find((queue) => queue.name === name)?.ready ?? -1;
    };
    await until(async () => (await depthOf('tidings.v1.requests')) === 0);
    expect((await fleet.notifications.distinct('idempotency_key')).length).toBe(ids.length);
    expect(await fleet.notifications.countDocuments()).toBe(ids.length);
    expect(await depthOf('tidings.v1.parking')).toBe(0);
  } finally {
    await fleet.stop();
  }
});

test('what RabbitMQ has confirmed outlives its death, and is taken after it', async () => {
  const servers = await createTestServers();
  const dataDir = mkdtempSync(join(process.cwd(), '.data/test/requests-'));
  const rabbitmq = await startNode(dataDir);
  const store = openStore(servers.mongoUri, 'test');
  const notifications = notificationsOf(store.db);
  const { url, managementUrl } = rabbitmq.node.node;
  const producer = await startTestProducer({
    ...testConfig(servers),
    RABBITMQ_URL: url,
    RABBITMQ_MANAGEMENT_URL: managementUrl,
  });
  try {
    const peer = startPeer(EXAMPLE, [], { env: { AMQP_URL: url }, input: endlessLines() });
    await until(async () => (await notifications.countDocuments()) >= 50, 30_000);
    await rabbitmq.node.kill();
    // It says that its connection is gone; what it has printed by then is on disk.
    expect(await peer.ended).toBe(1);
    const confirmed = (peer.lines() as { handed_over: string }[]).map(({ handed_over: id }) => id);
    expect(confirmed.length).toBeGreaterThan(0);
    await rabbitmq.node.start();
    const has = async (ids: readonly string[]): Promise<boolean> =>
      (await notifications.countDocuments({ idempotency_key: { $in: [...ids] } })) === ids.length;
    await until(() => has(confirmed), 30_000);
    // As the example says: those that were not printed once more, under the same ids. RabbitMQ may have the first of them.
    const all = idsOf(confirmed.length + 10);
    const again = all.slice(confirmed.length);
    const { code, stderr } = await runPeer(EXAMPLE, [], { env: { AMQP_URL: url }, input: again.map(lineOf) });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    await until(() => has(all), 30_000);
    expect(await notifications.countDocuments()).toBe(all.length);
  } finally {
    await producer.stop();
    await store.stop();
    await rabbitmq.stop();
    await servers.drop();
    rmSync(dataDir, { recursive: true, force: true });
  }
});

/** A node that only this test uses, so that it can die. */
async function startNode(dataDir: string): Promise<{ node: RabbitmqClusterNode; stop: () => Promise<void> }> {
  const program = findRabbitmq();
  if (program === undefined)
    throw new ProvisionError('This needs rabbitmq-server: run npm start once, which installs it.');
  mkdirSync(dataDir, { recursive: true });
  const place = { root: process.cwd(), dataDir, ports: new Ports(dataDir) };
  const prepared = await prepareRabbitmqNode({ name: 'rabbitmq', server: [program], epmd: ['epmd'] }, place);
  const [epmdSpec, ...processes] = prepared.processes;
  if (!epmdSpec) throw new Error('a node without epmd');
  const epmd = new Server({ spec: epmdSpec, dataDir, ready: () => Promise.resolve() });
  const ctl = join(dirname(program), 'rabbitmqctl');
  const node = new RabbitmqClusterNode({ ...prepared, processes }, { dataDir, ctl });
  await epmd.start();
  await node.start();
  return {
    node,
    stop: async () => {
      // Nobody needs its data any more.
      await node.kill();
      await epmd.kill();
    },
  };
}
