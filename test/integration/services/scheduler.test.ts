import { afterAll, beforeAll, expect, test } from 'vitest';
import { Broker, DEAD_LETTER_QUEUE, publishDead } from '../../../shared/broker/index.ts';
import type { Notification } from '../../../shared/contracts/index.ts';
import { silentLogger } from '../../../shared/runtime/logger.ts';
import type { Service } from '../../../shared/runtime/service.ts';
import {
  Books,
  notificationsOf,
  totalOf,
  openStore,
  type Notifications,
  type Store,
} from '../../../shared/store/index.ts';
import { startTestChannel, startTestScheduler, testConfig } from '../../support/fleet.ts';
import { aRecord } from '../../support/records.ts';
import { createTestServers, type TestServers } from '../../support/servers.ts';
import { until } from '../../support/until.ts';

let servers: TestServers;
let store: Store;
let broker: Broker;
let notifications: Notifications;
const deliveries: string[] = [];
let services: Service[] = [];

beforeAll(async () => {
  servers = await createTestServers();
  const config = testConfig(servers);
  store = openStore(servers.mongoUri, 'test');
  notifications = notificationsOf(store.db);
  broker = new Broker({
    url: servers.rabbitmqUrl,
    service: 'test',
    delays: config.RETRY_DELAYS,
    log: silentLogger,
  });
  broker.start();
  await broker.ready(10_000);
  const channel = {
    name: 'email' as const,
    provider: 'test',
    deliver: (one: Notification) => {
      deliveries.push(one._id);
      return Promise.resolve({ kind: 'sent' as const, provider: 'test' });
    },
  };
  // Two schedulers: every sweep must be safe beside its twin.
  services = [
    await startTestChannel(config, channel),
    ...(await Promise.all([startTestScheduler(config), startTestScheduler(config)])),
  ];
});
afterAll(async () => {
  await Promise.all(services.map((one) => one.stop()));
  await broker.stop();
  await store.stop();
  await servers.drop();
});

const OLD = '01700000-0000-7000-8000-0000000000';
const untilSent = (id: string) =>
  until(async () => (await notifications.findOne({ _id: id }))?.status === 'sent');
const deliveredTimes = (id: string) => deliveries.filter((one) => one === id).length;

test.each<[string, Partial<Notification>]>([
  ['stored and never published', { _id: `${OLD}01`, unpublished: true }],
  ['scheduled, and due now', { status: 'scheduled', next_retry_time: new Date(Date.now() - 1_000) }],
  ['held, and due now', { status: 'held', next_retry_time: new Date(Date.now() - 1_000) }],
  [
    'waiting to retry, its message lost',
    { status: 'failed', next_retry_time: new Date(Date.now() - 180_000) },
  ],
  ['being sent by a consumer that died', { status: 'sending', lease_until: new Date(Date.now() - 1_000) }],
  ['pending, its message lost', { updated_at: new Date(Date.now() - 120_000) }],
])('what is %s is delivered, once', async (_what, more) => {
  const record = aRecord(more);
  await notifications.insertOne(record);
  await untilSent(record._id);
  expect(deliveredTimes(record._id)).toBe(1);
  expect((await notifications.findOne({ _id: record._id }))?.unpublished).toBeUndefined();
});

test('what was canceled before it was published is not sent, and leaves the outbox', async () => {
  const record = aRecord({ _id: `${OLD}02`, status: 'canceled', unpublished: true });
  await notifications.insertOne(record);
  await until(async () => (await notifications.findOne({ _id: record._id }))?.unpublished === undefined);
  expect(deliveredTimes(record._id)).toBe(0);
});

test('the dead-letter queue is put right: missing messages come, doubled and stale ones go', async () => {
  const error = { code: '550', reason: 'no', provider: 'smtp' };
  const old = new Date(Date.now() - 60_000);
  const dead = Array.from({ length: 600 }, () =>
    aRecord({ status: 'failed_permanently', error, updated_at: old }),
  );
  const [doubled, missing] = [dead.slice(0, 300), dead.slice(300)];
  const stale = aRecord({ status: 'sent' });
  await Promise.all(
    [...doubled, ...doubled, stale].map((record) => publishDead(broker.publisher, record, '550')),
  );
  await notifications.insertMany([...dead, stale]);
  expect(missing).toHaveLength(300);
  await until(
    async () =>
      (await idsInQueue()).join() ===
      dead
        .map(({ _id }) => _id)
        .sort()
        .join(),
    // The status counts come seconds after the messages. A pass that begins before them adds nothing, and the next one needs ten seconds of
    // difference again.
    50_000,
  );
}, 60_000);

test('the books are kept: what they say is what is there, seconds after it came', async () => {
  const books = new Books(store.db);
  const sent = aRecord({ type: 'sms', status: 'sent' });
  await notifications.insertMany([sent, ...Array.from({ length: 20 }, () => aRecord({ type: 'sms' }))]);
  const balance = await until(async () => {
    const read = await books.read();
    return read && totalOf({ sms: read.counts.sms ?? {} }) === 21 && read;
  }, 5_000);
  expect(balance.counts.sms).toEqual({ sent: 1, pending: 20 });
});

test('what is finished goes when its retention is over, however much that is, and out of the books; the rest stays', async () => {
  const ago = new Date(Date.now() - 1_000);
  const over = Array.from({ length: 1_100 }, () =>
    aRecord({ type: 'in_app', status: 'sent', delete_at: ago }),
  );
  const later = aRecord({ type: 'in_app', status: 'sent', delete_at: new Date(Date.now() + 60_000) });
  await notifications.insertMany([...over, later]);
  const left = () => notifications.find({ type: 'in_app' }, { projection: { _id: 1 } }).toArray();
  await until(async () => (await left()).length === 1, 25_000);
  expect(await left()).toEqual([{ _id: later._id }]);
  const books = new Books(store.db);
  await until(async () => (await books.read())?.counts.in_app?.sent === 1, 5_000);
});

/** The ids in the dead-letter queue, sorted; empty while a pass holds some of them. */
async function idsInQueue(): Promise<string[]> {
  if ((await broker.depth(DEAD_LETTER_QUEUE)) !== 600) return [];
  const messages = (await servers.management('POST', `queues/${servers.vhost}/${DEAD_LETTER_QUEUE}/get`, {
    count: 1000,
    ackmode: 'reject_requeue_true',
    encoding: 'auto',
  })) as { properties: { message_id: string } }[];
  return messages.map(({ properties }) => properties.message_id).sort();
}
