import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { PARKING_QUEUE, REQUESTS_QUEUE } from '../../../shared/broker/index.ts';
import { MAX_BODY_BYTES } from '../../../shared/contracts/index.ts';
import { HELLO as hello, RequestsFleet } from '../../support/requests-fleet.ts';
import { until } from '../../support/until.ts';

let fleet: RequestsFleet;

beforeAll(async () => {
  fleet = await RequestsFleet.start();
});
afterEach(() => fleet.clear());
afterAll(() => fleet.stop());

test('under the same message_id with another body it is parked, with the reason; of another sender it is another notification', async () => {
  await fleet.handOver({ message_id: 'order-4', request: hello });
  await fleet.untilStored('order-4');
  await fleet.handOver({ message_id: 'order-4', request: { ...hello, message: 'Goodbye' } });
  expect(await fleet.untilParked(1)).toEqual([
    {
      message_id: 'order-4',
      sender: `amqp:${fleet.shop}`,
      code: 'idempotency_conflict',
      reason: 'This Idempotency-Key came with another body before',
    },
  ]);
  // Who does not say who it is cannot get at the keys of those who do.
  await fleet.publish([{ body: JSON.stringify(hello), properties: { message_id: 'order-4' } }]);
  await until(async () => (await fleet.notifications.countDocuments({ idempotency_key: 'order-4' })) === 2);
  expect((await fleet.notifications.distinct('caller')).sort()).toEqual(['amqp', `amqp:${fleet.shop}`]);
});

test('what is invalid is parked once, with its fields and the reasons, and nothing of it is stored', async () => {
  const properties = (message_id: string) => ({ message_id, user_id: fleet.shop });
  const valid = JSON.stringify(hello);
  await fleet.publish([
    { body: '{"user_id": "u1", ', properties: properties('no-json') },
    { body: '"Hello"', properties: properties('no-object') },
    {
      body: JSON.stringify({ type: 'email', message: '', subject: 'a\nb', extra: 1, email: 'ada' }),
      properties: properties('fields'),
    },
    {
      body: JSON.stringify({ ...hello, message: 'x'.repeat(MAX_BODY_BYTES) }),
      properties: properties('too-large'),
    },
    { body: valid, properties: { user_id: fleet.shop } },
    { body: valid, properties: { ...properties('type'), type: 'notification.canceled' } },
    {
      body: valid,
      properties: { ...properties('packed'), content_encoding: 'gzip', content_type: 'text/xml' },
    },
    { body: JSON.stringify({ ...hello, type: 'fax' }), properties: properties('fax') },
    {
      body: valid,
      properties: properties('channel'),
      routing_key: 'notification.requested.email',
    },
    {
      body: JSON.stringify({ user_id: 'u1', type: 'sms', phone: '+4915123456789', message: 'Hello' }),
      properties: properties('abroad'),
    },
  ]);
  // Only whom RabbitMQ lets use any routing key can do this.
  await fleet.publish(
    [{ body: valid, routing_key: 'notification.reqested', properties: { message_id: 'key' } }],
    fleet.urlOf(),
  );
  const parked = await fleet.untilParked(11);
  const reasons = Object.fromEntries(
    parked.map(({ message_id, code, reason }) => [message_id, [code, reason]]),
  );
  expect(reasons).toEqual({
    'no-json': ['malformed_json', expect.stringMatching(/^The body is not valid JSON: Expected/)],
    'no-object': ['malformed_json', 'The body is not valid JSON: The body must be a JSON object.'],
    fields: [
      'validation_failed',
      'user_id: is required; message: must not be empty; subject: must be one line: no line breaks (CR, LF) or other control characters; email: must be an e-mail address such as ada@example.org: it has no @; extra: is not a known field',
    ],
    'too-large': [
      'body_too_large',
      expect.stringMatching(/^The body is too large: \d+ bytes, and 1048576 are the most$/),
    ],
    // What we call one that has no id.
    parked: ['validation_failed', 'properties.message_id: is required'],
    type: ['validation_failed', 'properties.type: must be notification.requested, or not set'],
    packed: [
      'validation_failed',
      'properties.content_type: must be application/json, or not set; properties.content_encoding: must be utf-8, or not set: nothing is unpacked',
    ],
    fax: ['validation_failed', 'type: must be one of email, sms, in_app'],
    channel: [
      'forbidden',
      'This is not open to you: The type in_app needs the scope send:in_app; yours are for email.',
    ],
    abroad: ['validation_failed', expect.stringMatching(/^phone: /)],
    key: [
      'validation_failed',
      'routing_key: must be one of notification.requested, notification.requested.email, notification.requested.sms, notification.requested.in_app; is notification.reqested',
    ],
  });
  expect(await fleet.notifications.countDocuments()).toBe(0);
  expect(await fleet.messagesIn(REQUESTS_QUEUE)).toBe(0);
});

/** Whatever else has its message cannot be stored: a refusal that none of the code has foreseen. */
async function refuseSecondOf(message: string): Promise<() => Promise<unknown>> {
  const name = await fleet.notifications.createIndex(
    { message: 1 },
    { unique: true, partialFilterExpression: { message } },
    undefined,
  );
  return () => fleet.notifications.dropIndex(name);
}

test('what fails by something unforeseen is tried again: it is taken when that passes', async () => {
  const allow = await refuseSecondOf('Clash');
  const request = { ...hello, message: 'Clash' };
  await fleet.handOver({ message_id: 'clash-1', request });
  await fleet.untilStored('clash-1');
  await fleet.handOver({ message_id: 'clash-2', request }, { message_id: 'behind', request: hello });
  // It holds nobody else up.
  await fleet.untilStored('behind');
  await allow();
  await fleet.untilStored('clash-2', 20_000);
  expect(await fleet.messagesIn(PARKING_QUEUE)).toBe(0);
});

test('what never stops to fail so is parked in the end', async () => {
  const allow = await refuseSecondOf('Again');
  const request = { ...hello, message: 'Again' };
  await fleet.handOver({ message_id: 'again-1', request });
  await fleet.untilStored('again-1');
  await fleet.handOver({ message_id: 'again-2', request });
  expect(await fleet.untilParked(1, 30_000)).toMatchObject([
    { message_id: 'again-2', code: 'internal_error' },
  ]);
  await allow();
}, 45_000);
