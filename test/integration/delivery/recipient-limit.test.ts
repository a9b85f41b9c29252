import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { createInAppChannel } from '../../../services/in-app/channel.ts';
import type { Notification } from '../../../shared/contracts/index.ts';
import { TcpProxy } from '../../../infra/chaos/tcp-proxy.ts';
import type { DeliveryChannel } from '../../../shared/delivery/index.ts';
import { withRecipientLimit } from '../../../shared/delivery/recipient-limit.ts';
import { aRecord } from '../../support/records.ts';
import { HOUR } from '../../../shared/runtime/duration.ts';
import type { Service } from '../../../shared/runtime/service.ts';
import { notificationsOf, openStore, type Notifications, type Store } from '../../../shared/store/index.ts';
import {
  startTestChannel,
  startTestProducer,
  startTestScheduler,
  testConfig,
  type TestProducer,
} from '../../support/fleet.ts';
import { createTestServers, mongoAt, type TestServers } from '../../support/servers.ts';
import { until } from '../../support/until.ts';

let servers: TestServers;
let producer: TestProducer;
let scheduler: Service;
let store: Store;
let notifications: Notifications;
let consumers: Service[] = [];

beforeAll(async () => {
  servers = await createTestServers();
  producer = await startTestProducer(testConfig(servers));
  scheduler = await startTestScheduler(testConfig(servers));
  store = openStore(servers.mongoUri, 'test');
  notifications = notificationsOf(store.db);
});
afterEach(async () => {
  await Promise.all(consumers.map((one) => one.stop()));
  consumers = [];
});
afterAll(async () => {
  await producer.stop();
  await scheduler.stop();
  await store.stop();
  await servers.drop();
});

async function consume(
  channel: Parameters<typeof startTestChannel>[1],
  perRecipientHour: number,
): Promise<void> {
  consumers.push(await startTestChannel(testConfig(servers), channel, { concurrency: 10, perRecipientHour }));
}
const emailBy = (deliver: DeliveryChannel['deliver']): DeliveryChannel => ({
  name: 'email',
  provider: 'smtp',
  deliver,
});
const sends: DeliveryChannel['deliver'] = () => Promise.resolve({ kind: 'sent', provider: 'smtp' });
const flood = async (count: number, item: object): Promise<void> => {
  const notifications = Array.from({ length: count }, () => ({ user_id: 'u1', message: 'Hello', ...item }));
  expect((await producer.call('POST', '/v1/notifications/batch', { notifications })).status).toBe(202);
};
const counts = async (which: Partial<Notification>): Promise<Record<string, number>> => {
  const rows = await notifications
    .aggregate<{ _id: string; count: number }>([
      { $match: which },
      { $group: { _id: '$status', count: { $sum: 1 } } },
    ])
    .toArray();
  return Object.fromEntries(rows.map(({ _id, count }) => [_id, count]));
};

test('a flood of one address is held beyond the limit, whichever consumer has it; others get theirs', async () => {
  await consume(emailBy(sends), 5);
  await consume(emailBy(sends), 5);
  await flood(30, { type: 'email', email: 'flood@example.org' });
  await flood(3, { type: 'email', email: 'other@example.org' });
  await until(async () => (await counts({ email: 'flood@example.org' })).held === 25);
  await until(async () => (await counts({ email: 'other@example.org' })).sent === 3);
  expect(await counts({ email: 'flood@example.org' })).toEqual({ sent: 5, held: 25 });
  const held = await notifications.findOne({ email: 'flood@example.org', status: 'held' });
  expect(held).toMatchObject({ retry_count: 0, error: { code: 'recipient_limit' } });
  const waits = (held?.next_retry_time?.getTime() ?? 0) - Date.now();
  expect(waits).toBeGreaterThan(HOUR / 2);
  expect(waits).toBeLessThan(1.1 * HOUR);
  // However the address is written.
  await flood(1, { type: 'email', email: 'Flood@example.org' });
  await until(async () => (await counts({ email: 'Flood@example.org' })).held === 1);
});

test('what is held expires at its time', async () => {
  await consume(emailBy(sends), 1);
  const expires_at = new Date(Date.now() + 2_500).toISOString();
  await flood(4, { type: 'email', email: 'short@example.org', expires_at });
  await until(async () => (await counts({ email: 'short@example.org' })).expired === 3);
});

test('an attempt that reached nobody does not count', async () => {
  let tries = 0;
  await consume(
    emailBy(() => {
      tries += 1;
      return tries <= 2
        ? Promise.resolve({ kind: 'transient', provider: 'smtp', code: '451', reason: 'busy' })
        : Promise.resolve({ kind: 'sent', provider: 'smtp' });
    }),
    1,
  );
  await flood(1, { type: 'email', email: 'retry@example.org' });
  await until(async () => (await counts({ email: 'retry@example.org' })).sent === 1);
});

test('in-app it is the person who is limited, and the inbox gets the rest unread', async () => {
  await consume(createInAppChannel(), 2);
  await flood(6, { type: 'in_app', user_id: 'u5' });
  await until(async () => (await counts({ user_id: 'u5' })).held === 4);
  const { json } = await producer.call('GET', '/v1/users/u5/notifications/unread_count');
  expect(json).toEqual({ unread_count: 2 });
});

test('an interrupted one of the inbox is no doubt, for it is handed over by being recorded', async () => {
  const record = aRecord({
    type: 'in_app',
    user_id: 'u6',
    status: 'sending',
    on_ambiguous: 'hold',
    attempt: 1,
    fence: 1,
    claim: 'lost',
    lease_until: new Date(Date.now() - 60_000),
  });
  await notifications.insertOne(record);
  await consume(createInAppChannel(), 2);
  await until(async () => (await counts({ user_id: 'u6' })).sent === 1, 15_000);
  expect(await notifications.findOne({ _id: record._id })).toMatchObject({
    ambiguous_count: 0,
    unread: true,
  });
});

test('while nobody can count, nothing is sent, and nothing is spent', async () => {
  const proxy = await TcpProxy.start(Number(new URL(servers.mongoUri).port));
  const counting = openStore(mongoAt(proxy.port, servers.mongoUri), 'test');
  let sent = 0;
  const channel = withRecipientLimit(
    emailBy(() => {
      sent += 1;
      return Promise.resolve({ kind: 'sent', provider: 'smtp' });
    }),
    { db: counting.db, perHour: 5 },
  );
  const never = new AbortController().signal;
  expect(await channel.deliver(aRecord(), never)).toMatchObject({ kind: 'sent' });
  proxy.be({ loseUpstream: true });
  const outcome = await channel.deliver(aRecord(), never);
  expect(outcome).toMatchObject({
    kind: 'deferred',
    code: 'recipient_limit_unknown',
    isOurs: true,
    untried: true,
  });
  proxy.be();
  proxy.reset();
  // Whose claim is lost in the meantime is somebody else's to send.
  await until(async () => (await channel.deliver(aRecord(), AbortSignal.abort())).kind === 'deferred');
  expect(sent).toBe(1);
  await counting.stop();
  await proxy.stop();
});

test('the store does not say who was counted', async () => {
  const counted = JSON.stringify(await store.db.collection('recipient_limits').find().toArray());
  expect(counted).toContain('email:');
  expect(counted).not.toContain('example.org');
});
