import fc from 'fast-check';
import { Writable } from 'node:stream';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { PARKING_QUEUE } from '../../../shared/broker/index.ts';
import { readConfig } from '../../../shared/runtime/config.ts';
import { createLogger } from '../../../shared/runtime/logger.ts';
import { HELLO, RequestsFleet, type Parked, type RawMessage } from '../../support/requests-fleet.ts';
import { until } from '../../support/until.ts';

/** Requests of the run; the seed makes a failure repeatable. */
const REQUESTS = 2_000;
const SEED = 19;

let fleet: RequestsFleet;
/** What the producer wrote: the real text format, in which a missing property once ended the process. */
let logged = '';

beforeAll(async () => {
  const sink = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      logged += chunk.toString();
      done();
    },
  });
  const log = createLogger(readConfig({ LOG_FORMAT: 'text' }), 'producer', sink);
  fleet = await RequestsFleet.start({ AMQP_REQUESTS_PER_SECOND: '0' }, undefined, log);
});
afterAll(() => fleet.stop());

/** A property that is missing, sensible, or any bytes that AMQP can carry. */
function property(sensible: string): fc.Arbitrary<string | undefined> {
  const anyBytes = fc
    .uint8Array({ minLength: 4, maxLength: 255 })
    .map((bytes) => Buffer.from(bytes).toString('base64'));
  const text = fc.string({ unit: 'binary', minLength: 4, maxLength: 60 }).map(base64);
  return fc.oneof(fc.constant(undefined), fc.constant(base64(sensible)), text, anyBytes);
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}

/** A body that is valid, nearly valid, JSON, text, or any bytes. */
const body = fc
  .oneof(
    fc.constant(HELLO),
    fc.record({ ...Object.fromEntries(Object.keys(HELLO).map((key) => [key, fc.jsonValue()])) }),
    fc.dictionary(fc.string(), fc.jsonValue()).map((more) => ({ ...HELLO, data: more })),
    fc.jsonValue(),
  )
  .map((json) => base64(JSON.stringify(json)));
const bytes = fc
  .oneof(
    fc.uint8Array({ maxLength: 2_000 }),
    fc.string({ unit: 'binary' }).map((text) => Buffer.from(text)),
  )
  .map((some) => Buffer.from(some).toString('base64'));

/** A field of a header table, of any type that the client can write. */
const header = fc.oneof(
  fc.string(),
  fc.boolean(),
  fc.integer(),
  fc.constant(null),
  fc.array(fc.string()),
  fc.dictionary(fc.string(), fc.string()),
);

const message: fc.Arbitrary<RawMessage> = fc.record({
  body: fc.oneof(body, bytes),
  routing_key: fc.oneof(
    { weight: 4, arbitrary: fc.constant('notification.requested') },
    fc.constantFrom('notification.requested.sms', 'notification', ''),
    fc.string({ maxLength: 80 }),
  ),
  properties: fc.record({
    message_id: fc.oneof({ weight: 3, arbitrary: fc.constant(base64('order')) }, property('order')),
    type: property('notification.requested'),
    content_type: property('application/json'),
    content_encoding: property('utf-8'),
    correlation_id: property('1'),
    reply_to: property('answers'),
    app_id: property('shop'),
  }),
  headers: fc.option(fc.dictionary(fc.string({ maxLength: 40 }), header, { maxKeys: 5 })),
  timestamp: fc.option(fc.bigInt({ min: 0n, max: 2n ** 63n }).map(String)),
  priority: fc.option(fc.nat(255)),
});

/** Each with an id of its own where it has a sensible one: a repeated request would be no new record. */
function withOwnId(one: RawMessage, index: number): RawMessage {
  const { message_id } = one.properties;
  const own = message_id === base64('order') ? base64(`order-${index}`) : message_id;
  return { ...one, properties: { ...one.properties, message_id: own } };
}

test('accepts or parks each of 2 000 fuzzed requests, and goes on', async () => {
  const messages = fc.sample(message, { numRuns: REQUESTS, seed: SEED }).map(withOwnId);
  const said = await fleet.publishRaw(messages);
  expect(said.filter(({ outcome }) => outcome !== 'confirmed')).toEqual([]);
  await until(async () => (await settled()) === REQUESTS, 60_000);
  // RabbitMQ reports queues now and then, so the one behind all says that the queue is empty.
  await fleet.handOver({ message_id: 'behind-all', request: HELLO });
  await fleet.untilStored('behind-all');
  expect(await settled()).toBe(REQUESTS + 1);
  const parked = (await fleet.operate()) as Parked[];
  expect(parked.filter(({ reason }) => !reason)).toEqual([]);
  expect(parked.length).toBeGreaterThan(REQUESTS / 2);
  expect(await fleet.notifications.countDocuments()).toBeGreaterThan(REQUESTS / 50);
  expect(await fleet.check()).toEqual({ ok: true });
  expect(logged).not.toContain('this is a bug');
  expect(logged.match(/request parked/g)).toHaveLength(parked.length);
}, 120_000);

/** Requests that are stored or parked. */
async function settled(): Promise<number> {
  return (await fleet.notifications.countDocuments()) + (await fleet.messagesIn(PARKING_QUEUE));
}
