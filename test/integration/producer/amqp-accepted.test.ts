import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { PARKING_QUEUE, REQUESTS_QUEUE } from '../../../shared/broker/index.ts';
import { HELLO as hello, RequestsFleet } from '../../support/requests-fleet.ts';
import { until } from '../../support/until.ts';

let fleet: RequestsFleet;

beforeAll(async () => {
  fleet = await RequestsFleet.start();
});
afterEach(() => fleet.clear());
afterAll(() => fleet.stop());

test('what it publishes is accepted like a POST, in its own name', async () => {
  await fleet.handOver({ message_id: 'order-1', request: { ...hello, data: { order: 1 } } });
  const record = await fleet.untilStored('order-1');
  expect(record).toMatchObject({
    ...hello,
    data: { order: 1 },
    caller: `amqp:${fleet.shop}`,
    lane: 'transactional',
  });
  expect(record.timeline[0]).toMatchObject({
    status: 'pending',
    actor: `amqp:${fleet.shop}`,
    reason: 'accepted',
  });
  const { json } = await fleet.producer.call('GET', `/v1/notifications/${record._id}`);
  expect(json).toMatchObject({ id: record._id, ...hello });
  await until(
    async () => (await fleet.notifications.findOne({ _id: record._id }))?.unpublished === undefined,
  );
});

test('published twice under the same message_id it is one notification, and none is parked', async () => {
  const message = { message_id: 'order-2', request: hello };
  await fleet.handOver(message, message);
  await fleet.handOver({
    message_id: 'order-2',
    request: { message: 'Hello', type: 'in_app', user_id: 'u1' },
  });
  await fleet.handOver({ message_id: 'order-3', request: hello });
  await fleet.untilStored('order-3');
  await until(async () => (await fleet.messagesIn(REQUESTS_QUEUE)) === 0);
  expect(await fleet.notifications.countDocuments({ idempotency_key: 'order-2' })).toBe(1);
  expect(await fleet.messagesIn(PARKING_QUEUE)).toBe(0);
});

test('while MongoDB is away requests wait, none is parked, and then all are taken', async () => {
  await fleet.handOver({ message_id: 'before', request: hello });
  await fleet.untilStored('before');
  fleet.proxy.be({ loseUpstream: true });
  fleet.proxy.reset();
  const ids = Array.from({ length: 120 }, (_, n) => `away-${n}`);
  await fleet.handOver(...ids.map((message_id) => ({ message_id, request: hello })));
  // Its readiness says so, and nothing more is consumed than is in hand.
  await until(
    async () => (await fleet.check()).detail === 'taking requests is paused: MongoDB cannot be reached',
    20_000,
  );
  fleet.proxy.be();
  fleet.proxy.reset();
  const counted = { idempotency_key: { $in: ids } };
  await until(async () => (await fleet.notifications.countDocuments(counted)) === ids.length, 25_000);
  await until(async () => (await fleet.check()).ok);
  await until(async () => (await fleet.messagesIn(REQUESTS_QUEUE)) === 0);
  expect(await fleet.messagesIn(PARKING_QUEUE)).toBe(0);
  expect(await fleet.notifications.countDocuments(counted)).toBe(ids.length);
}, 60_000);
