import { afterAll, beforeAll, expect, test } from 'vitest';
import { DEAD_LETTER_QUEUE, EXCHANGES, workQueue } from '../../../shared/broker/index.ts';
import { startTestChannel, startTestProducer, testConfig, type TestProducer } from '../../support/fleet.ts';
import { createTestServers, type TestServers } from '../../support/servers.ts';
import { until } from '../../support/until.ts';

const ADDRESS = 'ada.lovelace@example.org';
let servers: TestServers;
let producer: TestProducer;

beforeAll(async () => {
  servers = await createTestServers();
  producer = await startTestProducer(testConfig(servers));
  await servers.management('PUT', `queues/${servers.vhost}/all-events`, { durable: true });
  await servers.management('POST', `bindings/${servers.vhost}/e/${EXCHANGES.events}/q/all-events`, {
    routing_key: '#',
  });
});
afterAll(async () => {
  await producer.stop();
  await servers.drop();
});

/** The messages of a queue, with all of their properties, as text; they stay there. */
async function messagesOf(queue: string): Promise<string[]> {
  const order = { count: 100, ackmode: 'ack_requeue_true', encoding: 'auto' };
  const got = await servers.management('POST', `queues/${servers.vhost}/${queue}/get`, order);
  return (got as object[]).map((message) => JSON.stringify(message));
}

async function untilMessages(queue: string, count: number): Promise<string[]> {
  let messages: string[] = [];
  await until(async () => {
    messages = await messagesOf(queue);
    return messages.length >= count;
  });
  return messages;
}

test('no message of a task update, or of a notification, has the address or the id of its person', async () => {
  const body = { task_id: '7', user_email: ADDRESS };
  expect((await producer.call('POST', '/update_task', body)).status).toBe(200);
  const sms = { user_id: ADDRESS, type: 'sms', phone: '+12025550123', message: 'Hello' };
  expect((await producer.call('POST', '/v1/notifications', sms)).status).toBe(202);
  const waiting = [
    ...(await untilMessages(workQueue('email', 'transactional'), 1)),
    ...(await untilMessages(workQueue('sms', 'transactional'), 1)),
  ];
  const consumer = await startTestChannel(testConfig(servers), {
    name: 'email',
    provider: 'test',
    deliver: () =>
      Promise.resolve({ kind: 'permanent', provider: 'test', code: '550', reason: `550 <${ADDRESS}>` }),
  });
  const dead = await untilMessages(DEAD_LETTER_QUEUE, 1);
  const events = await untilMessages('all-events', 2);
  await consumer.stop();
  for (const message of [...waiting, ...dead, ...events])
    expect(message).not.toMatch(/ada\.lovelace|user_id|12025550123/);
});
