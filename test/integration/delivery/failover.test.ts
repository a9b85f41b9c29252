import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { createEmailChannel } from '../../../services/email/channel.ts';
import type { Notification } from '../../../shared/contracts/index.ts';
import type { Service } from '../../../shared/runtime/service.ts';
import {
  Controls,
  notificationsOf,
  openStore,
  type Notifications,
  type Store,
} from '../../../shared/store/index.ts';
import {
  startTestChannel,
  startTestProducer,
  startTestScheduler,
  testConfig,
  type TestProducer,
} from '../../support/fleet.ts';
import { startMailServer, type MailServer } from '../../support/mail-servers.ts';
import { createTestServers, type TestServers } from '../../support/servers.ts';
import { until } from '../../support/until.ts';

let servers: TestServers;
let store: Store;
let notifications: Notifications;
let primary: MailServer;
let backup: MailServer;
let producer: TestProducer;
let scheduler: Service;
let consumer: Service | undefined;
const WITH_BACKUP = { EMAIL_PROVIDERS: 'smtp,smtp_backup' };

beforeAll(async () => {
  servers = await createTestServers();
  store = openStore(servers.mongoUri, 'test');
  notifications = notificationsOf(store.db);
  producer = await startTestProducer(testConfig(servers, WITH_BACKUP));
  scheduler = await startTestScheduler(testConfig(servers));
});
beforeEach(async () => {
  primary = await startMailServer();
  backup = await startMailServer();
});
afterEach(async () => {
  await consumer?.stop();
  consumer = undefined;
  await primary.stop();
  await backup.stop();
  await notifications.deleteMany({});
});
afterAll(async () => {
  await scheduler.stop();
  await producer.stop();
  await store.stop();
  await servers.drop();
});

async function consume(more: Record<string, string> = {}): Promise<void> {
  const config = testConfig(servers, {
    ...WITH_BACKUP,
    SMTP_URL: primary.url,
    SMTP_BACKUP_URL: backup.url,
    // A retry by the ladder would be seen as one.
    RETRY_DELAYS: '1h',
    ...more,
  });
  consumer = await startTestChannel(config, createEmailChannel(config), { concurrency: 20, inHand: 200 });
}
const mail = { user_id: 'u1', type: 'email', email: 'ada@example.org', message: 'Hello' };

/** Accepts so many; answers their ids. */
async function send(count: number, more: Partial<Notification> = {}): Promise<string[]> {
  const ids: string[] = [];
  while (ids.length < count) {
    const batch = Array.from({ length: Math.min(1_000, count - ids.length) }, () => ({ ...mail, ...more }));
    const { json } = await producer.call('POST', '/v1/notifications/batch', { notifications: batch });
    ids.push(...(json.accepted as { id: string }[]).map(({ id }) => id));
  }
  return ids;
}
const untilSent = (count: number, timeoutMs = 25_000) =>
  until(async () => (await notifications.countDocuments({ status: 'sent' })) === count, timeoutMs);
const one = async (id: string): Promise<Notification> => {
  const record = await notifications.findOne({ _id: id });
  if (!record) throw new Error(`no record ${id}`);
  return record;
};
const untilStatus = (id: string, status: Notification['status']) =>
  until(async () => {
    const record = await one(id);
    return record.status === status && record;
  });
const figuresOf = async (name: string) => {
  const { json } = await producer.call('GET', '/stats');
  return (json.providers as Record<string, unknown>[]).find((provider) => provider.name === name);
};

test('with the first one down, 5 000 leave by the second without the ladder; when it is back, it carries again', async () => {
  await primary.network.refuse();
  await send(5_000);
  const startedAt = Date.now();
  await consume();
  await untilSent(5_000, 60_000);
  const drainedMs = Date.now() - startedAt;
  expect(backup.taken()).toBe(5_000);
  expect(await notifications.countDocuments({ provider: 'smtp_backup', retry_count: 0, attempt: 1 })).toBe(
    5_000,
  );
  const [switched, passedOver] = await Promise.all(
    [/ECONNREFUSED.*; sent by smtp_backup: 250/, /smtp: it is down; sent by smtp_backup: 250/].map((reason) =>
      notifications.countDocuments({ timeline: { $elemMatch: { status: 'sent', reason } } }),
    ),
  );
  expect([(switched ?? 0) > 0, (passedOver ?? 0) > 4_000]).toEqual([true, true]);
  const figures = await until(async () => {
    const seen = await figuresOf('smtp');
    return typeof seen?.failing_over_since === 'string' && seen;
  });
  expect(figures).toMatchObject({ channel: 'email', sent: 0, fault_ratio: 1 });
  const byBackup = await until(async () => {
    const seen = await figuresOf('smtp_backup');
    return seen?.sent === 5_000 && seen;
  });
  expect([figures.error_rate, byBackup.error_rate]).toEqual([1, 0]);

  await primary.network.accept();
  const backAt = Date.now();
  backup.beginAnew();
  let sent = 5_000;
  const byPrimary = await until(async () => {
    await send(10);
    await untilSent((sent += 10));
    return primary.taken() > 0 && primary.taken();
  }, 70_000);
  const driftedMs = Date.now() - backAt;
  const before = backup.taken();
  await send(200);
  await untilSent(sent + 200);
  expect([primary.taken() - byPrimary, backup.taken() - before]).toEqual([200, 0]);
  expect((await notifications.findOne({}, { sort: { _id: -1 } }))?.timeline.at(-1)?.reason).toMatch(/^250/);
  await until(async () => (await figuresOf('smtp'))?.failing_over_since === null);
  console.info(
    `5 000 by the second in ${drainedMs} ms; the first carried again ${driftedMs} ms after it was back, ${byPrimary} of the last 10 at once`,
  );
}, 120_000);

test('a first one that hangs leaves time for the second, in the same attempt', async () => {
  primary.network.be({ loseDownstream: true });
  await consume({ DELIVERY_TIMEOUT_SECONDS: '3' });
  await send(1_000);
  await untilSent(1_000);
  expect([primary.taken(), backup.taken()]).toEqual([0, 1_000]);
  expect(await notifications.countDocuments({ retry_count: 0, ambiguous_count: 0 })).toBe(1_000);
});

test('an answer about the recipient, or one that was lost, never goes to the second', async () => {
  await consume({ RETRY_DELAYS: '100ms' });
  const [bad = ''] = await send(1, { email: 'bounce@example.org' });
  const [full = ''] = await send(1, { email: 'full@example.org' });
  const [lost = ''] = await send(1, { email: 'drop@example.org' });
  expect(await untilStatus(bad, 'failed_permanently')).toMatchObject({ attempt: 1, provider: 'smtp' });
  expect(await untilStatus(full, 'failed_permanently')).toMatchObject({ attempt: 2, provider: 'smtp' });
  expect(await untilStatus(lost, 'sent')).toMatchObject({ attempt: 2, provider: 'smtp', ambiguous_count: 1 });
  expect(backup.taken()).toBe(0);
});

test('with both down all is put off and spends nothing; it goes out when one is back', async () => {
  await primary.network.refuse();
  await backup.network.refuse();
  await consume();
  const ids = await send(200);
  await until(async () => (await notifications.countDocuments({ status: 'held' })) >= 20);
  // Some of them: those behind the first twenty may find the first provider down already.
  const reason = /^smtp: ECONNREFUSED: .*; smtp_backup: ECONNREFUSED: /;
  await until(() => notifications.findOne({ timeline: { $elemMatch: { status: 'held', reason } } }));
  await until(async () => (await figuresOf('smtp_backup'))?.breaker !== 'closed');
  expect(await figuresOf('smtp')).toMatchObject({ failing_over_since: null });
  await backup.network.accept();
  await untilSent(ids.length, 40_000);
  expect(await notifications.countDocuments({ retry_count: 0, provider: 'smtp_backup' })).toBe(200);
}, 60_000);

test('a provider that an operator pauses is passed over while there is another', async () => {
  const controls = new Controls(store.db);
  await consume();
  await controls.set({ _id: 'provider:smtp', by: 'test', reason: 'it moves', since: new Date() });
  await until(async () => (await figuresOf('smtp'))?.is_paused === true);
  await send(20);
  await untilSent(20);
  expect([primary.taken(), backup.taken()]).toEqual([0, 20]);
  await controls.clear('provider:smtp');
  await until(async () => {
    await send(1);
    await untilSent(await notifications.countDocuments());
    return primary.taken() > 0;
  });
});

test('weights share what comes', async () => {
  await consume({ EMAIL_PROVIDERS: 'smtp=3,smtp_backup=1' });
  await send(400);
  await untilSent(400);
  expect([primary.taken(), backup.taken()]).toEqual([300, 100]);
});

test('who names a provider gets that one or none', async () => {
  await consume();
  await send(5, { via: 'smtp_backup' });
  await untilSent(5);
  expect([primary.taken(), backup.taken()]).toEqual([0, 5]);
  await primary.network.refuse();
  await send(40);
  await untilSent(45);
  const [id = ''] = await send(1, { via: 'smtp' });
  const record = await untilStatus(id, 'held');
  expect(record).toMatchObject({ retry_count: 0, error: { provider: 'smtp' } });
  const refused = await producer.call('POST', '/v1/notifications', { ...mail, via: 'gmail' });
  expect([refused.status, JSON.stringify(refused.json.errors)]).toEqual([
    400,
    '[{"field":"via","message":"must be a provider of email that this fleet has: smtp, smtp_backup"}]',
  ]);
});
