import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { Notification } from '../../../shared/contracts/index.ts';
import type { DeliveryChannel } from '../../../shared/delivery/index.ts';
import { pause } from '../../../shared/runtime/backoff.ts';
import type { Service } from '../../../shared/runtime/service.ts';
import { Controls, Presences, openStore, type Store } from '../../../shared/store/index.ts';
import { startTestChannel, startTestProducer, testConfig, type TestProducer } from '../../support/fleet.ts';
import { createTestServers, type TestServers } from '../../support/servers.ts';
import { Visitor, signedIn } from '../../support/visitor.ts';
import { until } from '../../support/until.ts';

let servers: TestServers;
let producer: TestProducer;
let store: Store;
let controls: Controls;
let consumer: Service | undefined;
const mail = { user_id: 'u1', type: 'email', email: 'a@example.org', message: 'Hello' };
const order = { by: 'test', reason: 'the mail server moves', since: new Date() };

beforeAll(async () => {
  servers = await createTestServers();
  producer = await startTestProducer(testConfig(servers));
  store = openStore(servers.mongoUri, 'test');
  controls = new Controls(store.db);
});
afterEach(async () => {
  for (const { _id } of await controls.active()) await controls.clear(_id);
  await consumer?.stop();
  consumer = undefined;
  await store.db.collection('notifications').deleteMany({});
});
afterAll(async () => {
  await producer.stop();
  await store.stop();
  await servers.drop();
});

async function consume(deliver: DeliveryChannel['deliver'], concurrency = 10): Promise<void> {
  consumer = await startTestChannel(
    testConfig(servers),
    { name: 'email', provider: 'smtp', deliver },
    { concurrency, inHand: 200 },
  );
}
const sends = async (): ReturnType<DeliveryChannel['deliver']> =>
  Promise.resolve({ kind: 'sent', provider: 'smtp' });
const count = (status: Notification['status']): Promise<number> =>
  store.db.collection('notifications').countDocuments({ status });
const theQueue = () =>
  servers.management('GET', `queues/${servers.vhost}/tidings.v1.email`) as Promise<{
    messages_ready: number;
    consumers: number;
  }>;
const delivery = async () =>
  (await new Presences(store.db).running()).find(({ service }) => service === 'email')?.delivery;

test.each(['channel:email', 'provider:smtp'])(
  'while %s is paused notifications are accepted and wait; none is lost when it goes on',
  async (_id) => {
    await controls.set({ _id, ...order });
    await consume(sends);
    await until(async () => (await delivery())?.is_paused === true);
    for (let n = 0; n < 20; n += 1)
      expect((await producer.call('POST', '/v1/notifications', mail)).status).toBe(202);
    // They lie in the queue, and nobody takes them from there.
    await until(async () => {
      const queue = await theQueue();
      return queue.messages_ready === 20 && queue.consumers === 0;
    });
    expect([await count('pending'), await count('sent')]).toEqual([20, 0]);
    await controls.clear(_id);
    await until(async () => (await count('sent')) === 20);
  },
);

test('a pause lets what has begun come to its end, and puts off what only waits for its turn', async () => {
  let finish = (): void => undefined;
  const gate = new Promise<void>((resolve) => (finish = resolve));
  let begun = 0;
  let waiting = 0;
  // Fast at first, so that more is claimed than goes on at once; then it hangs.
  await consume(async () => {
    begun += 1;
    if (begun <= 500) await pause(5);
    else {
      waiting += 1;
      await gate;
    }
    return sends();
  }, 20);
  const notifications = Array.from({ length: 800 }, () => mail);
  await producer.call('POST', '/v1/notifications/batch', { notifications });
  await until(() => waiting === 20);
  // What was done before is recorded.
  await until(async () => (await count('sent')) === 500);
  expect(await count('sending')).toBeGreaterThan(20);
  await controls.set({ _id: 'channel:email', ...order });
  await until(async () => (await count('sending')) === 20);
  const held = await store.db.collection<Notification>('notifications').findOne({ status: 'held' });
  expect(held?.timeline.at(-1)).toMatchObject({ code: 'paused', reason: 'an operator has paused it' });
  // Put off, and not tried: it costs no retry.
  expect(held?.retry_count).toBe(0);
  finish();
  await until(async () => (await count('sending')) === 0);
  expect([waiting, (await count('held')) + (await count('pending')) + (await count('sent'))]).toEqual([
    20, 800,
  ]);
});

test('a pause with an end is over by itself', async () => {
  await controls.set({ _id: 'channel:email', ...order, until: new Date(Date.now() + 2_500) });
  await consume(sends);
  await producer.call('POST', '/v1/notifications', mail);
  await until(async () => (await delivery())?.is_paused === true);
  expect(await count('sent')).toBe(0);
  await until(async () => (await count('sent')) === 1);
});

test('a pause of another channel is none of ours', async () => {
  await controls.set({ _id: 'channel:sms', ...order });
  await consume(sends);
  await producer.call('POST', '/v1/notifications', mail);
  await until(async () => (await count('sent')) === 1);
});

test('while the fleet drains nothing new is accepted, on no way in, and what was accepted is delivered', async () => {
  await producer.call('POST', '/v1/notifications', mail);
  await controls.set({ _id: 'accepting', ...order });
  const refused = await until(async () => {
    const answer = await producer.call('POST', '/v1/notifications', mail);
    return answer.status !== 202 && answer;
  });
  expect([refused.status, refused.json.code, refused.headers.get('retry-after')]).toEqual([
    503,
    'accepting_stopped',
    '60',
  ]);
  const stored = await store.db.collection('notifications').countDocuments();
  // The query keeps it from the hot path.
  for (const path of ['/v1/notifications?slow', '/v1/notifications/batch']) {
    const body = path.endsWith('batch') ? { notifications: [mail] } : mail;
    expect([path, (await producer.call('POST', path, body)).status]).toEqual([path, 503]);
  }
  const person = new Visitor(producer.address, await signedIn(servers.mongoUri));
  const form = await person.submit('/send-notification', { ...mail, message: 'typed already' });
  expect([form.status, form.text.includes('typed already'), form.text.includes('drains the fleet')]).toEqual([
    422,
    true,
    true,
  ]);
  expect(await store.db.collection('notifications').countDocuments()).toBe(stored);
  await consume(sends);
  await until(async () => (await count('sent')) === stored);
  await controls.clear('accepting');
  await until(async () => (await producer.call('POST', '/v1/notifications', mail)).status === 202);
});
