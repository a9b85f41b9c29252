import { afterAll, beforeAll, expect, test } from 'vitest';
import { createEmailChannel } from '../../../services/email/channel.ts';
import type { Service } from '../../../shared/runtime/service.ts';
import { notificationsOf, openStore, type Notifications, type Store } from '../../../shared/store/index.ts';
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
let server: MailServer;
let producer: TestProducer;
let scheduler: Service;
let consumer: Service;

beforeAll(async () => {
  servers = await createTestServers();
  store = openStore(servers.mongoUri, 'test');
  notifications = notificationsOf(store.db);
  server = await startMailServer();
  const config = testConfig(servers, { SMTP_URL: server.url, RETRY_DELAYS: '100ms' });
  producer = await startTestProducer(config);
  scheduler = await startTestScheduler(config);
  consumer = await startTestChannel(config, createEmailChannel(config), { concurrency: 5 });
});
afterAll(async () => {
  await consumer.stop();
  await scheduler.stop();
  await producer.stop();
  await server.stop();
  await store.stop();
  await servers.drop();
});

test('an outage that three mails meet, each as often as it may be tried, dead-letters none; all arrive after it', async () => {
  await server.network.refuse();
  for (const email of ['a@example.org', 'b@example.org', 'c@example.org']) {
    const mail = { user_id: 'u1', type: 'email', email, message: 'Hello' };
    expect((await producer.call('POST', '/v1/notifications', mail)).status).toBe(202);
  }
  await until(
    async () => (await notifications.countDocuments({ attempt: { $gte: 2 }, status: 'held' })) === 3,
    25_000,
  );
  expect(await notifications.countDocuments({ status: { $in: ['failed', 'failed_permanently'] } })).toBe(0);
  await server.network.accept();
  await until(async () => (await notifications.countDocuments({ status: 'sent' })) === 3, 25_000);
  expect([server.taken(), await notifications.countDocuments({ retry_count: 0 })]).toEqual([3, 3]);
}, 60_000);
