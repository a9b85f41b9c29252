import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { erasuresJob } from '../../../services/scheduler/jobs/erasures.ts';
import { lostHints } from '../../../services/scheduler/jobs/lost-hints.ts';
import { relay } from '../../../services/scheduler/jobs/relay.ts';
import type { JobContext } from '../../../services/scheduler/job.ts';
import { Broker, EXCHANGES } from '../../../shared/broker/index.ts';
import { parseMessage, type Lane, type Notification } from '../../../shared/contracts/index.ts';
import { silentLogger } from '../../../shared/runtime/logger.ts';
import { BulkActs, Erasures, Locks, Suppressions } from '../../../shared/store/index.ts';
import { testConfig } from '../../support/fleet.ts';
import { aRecord } from '../../support/records.ts';
import { createTestServers, type TestServers } from '../../support/servers.ts';
import { TestStore } from '../../support/test-store.ts';
import { until } from '../../support/until.ts';

const store = new TestStore();
let servers: TestServers;
let broker: Broker;
let context: JobContext;

beforeAll(async () => {
  servers = await createTestServers();
  const config = testConfig(servers);
  broker = new Broker({
    url: servers.rabbitmqUrl,
    service: 'test',
    delays: config.RETRY_DELAYS,
    log: silentLogger,
  });
  broker.start();
  await broker.ready(10_000);
  context = {
    broker,
    config,
    notifications: store.notifications,
    locks: new Locks(store.db),
    acts: new BulkActs(store.db),
    erasures: new Erasures(store.db),
    suppressions: new Suppressions(store.db),
    log: silentLogger,
  } as Partial<JobContext> as JobContext;
});
beforeEach(async () => {
  await store.db.collection('erasures').deleteMany({});
});
afterAll(async () => {
  await broker.stop();
  await servers.drop();
});

/** Collects the channel and lane of every message published from here on, in their order. */
async function publishedDuring(work: () => Promise<unknown>, count: number): Promise<string[]> {
  const model = await until(() => broker.consuming.model);
  const channel = await model.createChannel();
  const { queue } = await channel.assertQueue('', { exclusive: true });
  await channel.bindQueue(queue, EXCHANGES.work, '#');
  const seen: string[] = [];
  await channel.consume(
    queue,
    (message) => {
      const parsed = message && parseMessage(message.content);
      if (parsed?.ok) seen.push(`${parsed.message.channel} ${parsed.message.lane}`);
    },
    { noAck: true },
  );
  await work();
  await until(() => seen.length >= count);
  await channel.close();
  return seen;
}

let minted = 0;
/** Old enough for the relay and the sweeps. */
const old = (type: 'email' | 'sms', lane: Lane, more: Partial<Notification> = {}) => {
  minted += 1;
  const _id = `01700000-0000-7000-8000-${String(minted).padStart(12, '0')}`;
  return aRecord({ _id, type, lane, ...more });
};
const many = <T>(count: number, make: () => T): T[] => Array.from({ length: count }, make);

test('the relay publishes a text within the first turns, however long the backlog of mail is', async () => {
  const unpublished = { unpublished: true as const };
  await store.notifications.insertMany([
    ...many(700, () => old('email', 'bulk', unpublished)),
    ...many(2_600, () => old('email', 'transactional', unpublished)),
    old('sms', 'transactional', unpublished),
    old('sms', 'bulk', unpublished),
  ]);
  const seen = await publishedDuring(() => relay.run(context), 3_302);
  expect(seen.indexOf('sms transactional')).toBeLessThanOrEqual(500);
  expect(seen.lastIndexOf('email transactional')).toBeLessThan(seen.indexOf('email bulk'));
  // In bulk, too, a text waits for one batch of mail at most.
  expect(seen.indexOf('sms bulk') - seen.indexOf('email bulk')).toBeLessThanOrEqual(500);
  expect(await store.notifications.countDocuments({ unpublished: true })).toBe(0);
});

test('lost messages of texts are published again within the first turns, too', async () => {
  const updated_at = new Date(Date.now() - 600_000);
  await store.notifications.insertMany([
    ...many(1_600, () => old('email', 'transactional', { updated_at })),
    old('sms', 'transactional', { updated_at }),
  ]);
  for (const name of ['tidings.v1.email', 'tidings.v1.sms', 'tidings.v1.email.bulk', 'tidings.v1.sms.bulk'])
    await servers.management('DELETE', `queues/${servers.vhost}/${name}/contents`);
  const seen = await publishedDuring(() => lostHints.run(context), 1_601);
  expect(seen.indexOf('sms transactional')).toBeLessThanOrEqual(500);
});

test('an erasure that fails holds up none behind it, and a pass that ends early is gone on with', async () => {
  const requested_at = new Date(Date.now() - 60_000);
  const order = (_id: string) => ({
    _id,
    user_id: `user ${_id}`,
    user_digest: _id,
    requested_by: 'api',
    requested_at,
    erased: 0,
  });
  for (const id of ['1', '2', '3']) await context.erasures.add(order(id));
  const failing = Object.assign(Object.create(context.suppressions) as Suppressions, {
    forget: (userId: string) =>
      userId === 'user 1' ? Promise.reject(new Error('too odd')) : context.suppressions.forget(userId),
  });
  await expect(erasuresJob.run({ ...context, suppressions: failing })).rejects.toThrow('too odd');
  const finished = await store.db.collection('erasures').distinct('_id', { finished_at: { $exists: true } });
  expect(finished).toEqual(['2', '3']);

  for (const id of ['4', '5']) await context.erasures.add(order(id));
  const given: string[] = [];
  for (let pass = 0; pass < 3; pass += 1)
    for await (const { _id } of context.erasures.inTurn()) {
      given.push(_id);
      break;
    }
  expect(given).toEqual(['4', '5', '1']);
});
