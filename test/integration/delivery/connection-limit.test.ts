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
import { PeculiarMailServer } from '../../support/peculiar-mail-server.ts';
import { createTestServers, type TestServers } from '../../support/servers.ts';
import { until } from '../../support/until.ts';

const MAILS = 300;
let servers: TestServers;
let store: Store;
let notifications: Notifications;
let server: PeculiarMailServer;
let producer: TestProducer;
let scheduler: Service;
let consumer: Service;

beforeAll(async () => {
  servers = await createTestServers();
  store = openStore(servers.mongoUri, 'test');
  notifications = notificationsOf(store.db);
  server = await PeculiarMailServer.start({ connections: 2, acceptMs: 20 });
  const config = testConfig(servers, { SMTP_URL: server.url });
  producer = await startTestProducer(config);
  scheduler = await startTestScheduler(config);
  consumer = await startTestChannel(config, createEmailChannel(config), { concurrency: 20, inHand: 200 });
});
afterAll(async () => {
  await consumer.stop();
  await scheduler.stop();
  await producer.stop();
  await server.stop();
  await store.stop();
  await servers.drop();
});

test('a mail server that takes two connections gets two, is shown so, and counts as well', async () => {
  const smtp = async () => {
    const { json } = await producer.call('GET', '/stats');
    return (json.providers as Record<string, unknown>[]).find(({ name }) => name === 'smtp');
  };
  const mail = { user_id: 'u1', type: 'email', email: 'ada@example.org', message: 'Hello' };
  const batch = { notifications: Array.from({ length: MAILS }, () => mail) };
  const startedAt = Date.now();
  await producer.call('POST', '/v1/notifications/batch', batch);
  const limited = await until(async () => {
    const seen = await smtp();
    return typeof seen?.concurrency_limit === 'number' && seen;
  });
  expect(limited).toMatchObject({ breaker: 'closed', fault_ratio: 0 });
  await until(async () => (await notifications.countDocuments({ status: 'sent' })) === MAILS, 40_000);
  console.info(
    `${MAILS} mails by two connections in ${Date.now() - startedAt} ms; ${server.refused} refused`,
  );
  expect(await notifications.countDocuments({ retry_count: 0 })).toBe(MAILS);
  // Those of the first moment, and one now and then that asks whether there may be more.
  expect(server.refused).toBeLessThan(40);
  expect(await smtp()).toMatchObject({ breaker: 'closed', fault_ratio: 0, failed_per_hour: 0 });
}, 60_000);
