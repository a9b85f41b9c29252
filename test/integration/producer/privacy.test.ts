import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { STATUSES, erasureSchema, type Status } from '../../../shared/contracts/index.ts';
import type { Service } from '../../../shared/runtime/service.ts';
import {
  Books,
  BulkActs,
  Erasures,
  Suppressions,
  carryOutErasure,
  notificationsOf,
  openStore,
  type Notifications,
  type Store,
} from '../../../shared/store/index.ts';
import { startTestProducer, startTestScheduler, testConfig, type TestProducer } from '../../support/fleet.ts';
import { aRecord } from '../../support/records.ts';
import { createTestServers, type TestServers } from '../../support/servers.ts';
import { until } from '../../support/until.ts';
import { Visitor, signedIn } from '../../support/visitor.ts';

const PERSON = 'ada-lovelace';
const SECRETS = [
  'ada@example.org',
  '+12025550199',
  'your code is 424242',
  'Dear Ada',
  'ada-order-9',
  'loyal',
];
let servers: TestServers;
let producer: TestProducer;
let scheduler: Service;
let store: Store;
let notifications: Notifications;

beforeAll(async () => {
  servers = await createTestServers();
  producer = await startTestProducer(testConfig(servers));
  scheduler = await startTestScheduler(testConfig(servers));
  store = openStore(servers.mongoUri, 'test');
  notifications = notificationsOf(store.db);
});
beforeEach(async () => {
  await notifications.deleteMany({});
  // Each order goes on until it is settled, and would take what belongs to the next.
  await store.db.collection('erasures').deleteMany({});
});
afterAll(async () => {
  await producer.stop();
  await scheduler.stop();
  await store.stop();
  await servers.drop();
});

const adas = (status: Status, more = {}) =>
  aRecord({
    user_id: PERSON,
    status,
    email: 'ada@example.org',
    phone: '+12025550199',
    subject: 'Dear Ada',
    message: 'your code is 424242',
    html: '<p>your code is 424242</p>',
    data: { segment: 'loyal' },
    idempotency_key: `ada-order-9-${status}`,
    fingerprint: 'f',
    error: { code: '550', reason: 'no such user ada@example.org' },
    timeline: [{ at: new Date(), status, actor: 'api', reason: '550 no such user ada@example.org' }],
    ...more,
  });
/** As if the order were a minute old: what may still have been on its way into the store is there. */
const settle = (id: string) =>
  store.db
    .collection<{ _id: string }>('erasures')
    .updateOne({ _id: id }, [{ $set: { requested_at: { $subtract: ['$requested_at', 60_000] } } }]);
const erase = () => producer.call('DELETE', `/v1/users/${PERSON}`);
/** A pass over an order, as the scheduler makes it. */
const pass = async (id: string) => {
  const erasures = new Erasures(store.db);
  const order = await erasures.get(id);
  if (order?.user_id === undefined) throw new Error(`no unfinished erasure ${id}`);
  const stores = {
    ...{ notifications, erasures, retentionDays: 30 },
    ...{ acts: new BulkActs(store.db), suppressions: new Suppressions(store.db) },
  };
  return carryOutErasure(stores, { ...order, user_id: order.user_id }, 5_000);
};
const stored = async () => JSON.stringify(await notifications.find().toArray());

test('erasing a person takes out everything about them, in whatever state, and nobody else’s', async () => {
  const others = aRecord({ user_id: 'bob', message: 'for Bob', status: 'sent' });
  await notifications.insertMany([
    ...STATUSES.filter((one) => one !== 'sending').map((one) => adas(one)),
    others,
  ]);
  const { status, json, headers } = await erase();
  expect(status).toBe(202);
  const receipt = erasureSchema.parse(json);
  expect(receipt).toMatchObject({
    erased: STATUSES.length - 1,
    requested_by: 'api',
    user_digest: expect.stringMatching(/^[\w-]{43}$/) as string,
  });
  const left = await stored();
  for (const secret of [PERSON, ...SECRETS]) expect(left).not.toContain(secret);
  expect(left).toContain('for Bob');
  await settle(receipt.id);
  const receiptNow = async () => (await producer.call('GET', headers.get('location') ?? '')).json;
  await until(async () => (await receiptNow()).finished_at !== undefined, 15_000);
  expect(await receiptNow()).toMatchObject({ id: receipt.id, erased: receipt.erased });
  // The receipt itself forgets whom it was about, but for a pseudonym that only the store can make.
  for (const collection of ['erasures', 'audit'])
    expect(JSON.stringify(await store.db.collection(collection).find().toArray())).not.toContain(PERSON);
});

test('an erased notification is answered without user_id, and its page links to no person', async () => {
  const record = adas('sent');
  await notifications.insertOne(record);
  expect((await producer.call('GET', `/v1/notifications/${record._id}`)).json.user_id).toBe(PERSON);
  await erase();
  const { json } = await producer.call('GET', `/v1/notifications/${record._id}`);
  expect(json).toMatchObject({ id: record._id, erased_at: expect.any(String) as string });
  expect(json).not.toHaveProperty('user_id');
  const person = new Visitor(producer.address, await signedIn(servers.mongoUri));
  const { text } = await person.open(`/notifications/${record._id}`);
  expect(text).toContain('<dt>Person</dt><dd>erased</dd>');
  expect(text).toMatch(/<dt>To<\/dt><dd><bdi>an erased person<\/bdi>/);
});

test('what waited is canceled, what was dead is discarded, what was over stays as it was', async () => {
  await notifications.insertMany(STATUSES.filter((one) => one !== 'sending').map((one) => adas(one)));
  await erase();
  const now = await notifications.find().toArray();
  const expected: Partial<Record<Status, number>> = {
    sent: 1,
    delivered: 1,
    bounced: 1,
    suppressed: 1,
    expired: 1,
    canceled: 5,
    discarded: 3,
  };
  const counts = now.reduce<Record<string, number>>(
    (sum, { status }) => ({ ...sum, [status]: (sum[status] ?? 0) + 1 }),
    {},
  );
  expect(counts).toEqual(expected);
  const canceled = now.find(({ status }) => status === 'canceled');
  expect(canceled).toMatchObject({ message: '', delete_at: expect.any(Date) as Date });
});

test('the counts stay right', async () => {
  await notifications.insertMany([adas('sent'), adas('scheduled'), adas('failed_permanently')]);
  // Behind the backs of the books, tests before this one deleted records.
  await new Books(store.db).recount();
  await erase();
  await until(async () => {
    const { json } = await producer.call('GET', '/stats');
    return (json.by_type as { email?: { discarded?: number } }).email?.discarded === 1;
  });
  const { json } = await producer.call('GET', '/stats');
  expect(json).toMatchObject({ total: 3, by_type: { email: { sent: 1, canceled: 1, discarded: 1 } } });
});

test('what is just being sent is erased when it is over', async () => {
  const lease_until = new Date(Date.now() + 60_000);
  const [record] = [adas('sending', { lease_until, fence: 1, claim: 'c' })];
  await notifications.insertOne(record);
  const { json, headers } = await erase();
  await settle(String(json.id));
  await notifications.updateOne({ _id: record._id }, { $set: { created_at: new Date(0) } });
  expect((await pass(String(json.id))).finished_at).toBeUndefined();
  expect((await producer.call('GET', headers.get('location') ?? '')).json.finished_at).toBeUndefined();
  await notifications.updateOne({ _id: record._id }, { $set: { status: 'sent' } });
  await until(async () => {
    const { json: receipt } = await producer.call('GET', headers.get('location') ?? '');
    return receipt.finished_at !== undefined && receipt.erased === 1;
  }, 15_000);
  for (const secret of [PERSON, ...SECRETS]) expect(await stored()).not.toContain(secret);
});

test('what was accepted before and comes into the store after it is erased, too', async () => {
  const { json, headers } = await erase();
  await notifications.insertOne(adas('pending', { created_at: new Date(Date.now() - 5_000) }));
  await until(async () => !(await stored()).includes(PERSON), 15_000);
  expect((await producer.call('GET', headers.get('location') ?? '')).json.finished_at).toBeUndefined();
  expect(json.erased).toBe(0);
  for (const secret of SECRETS) expect(await stored()).not.toContain(secret);
});

test('a person who is called like a word of ours is nobody else', async () => {
  await notifications.insertMany([adas('sent'), aRecord({ user_id: 'erased', status: 'sent' })]);
  await erase();
  const { json } = await producer.call('GET', '/v1/users/erased/notifications');
  expect(json.notifications).toHaveLength(1);
});

test('what comes later is a new beginning', async () => {
  await erase();
  const { json } = await producer.call('POST', '/v1/notifications', {
    user_id: PERSON,
    type: 'in_app',
    message: 'Hi',
  });
  await erase();
  const again = await producer.call('POST', '/v1/notifications', {
    user_id: PERSON,
    type: 'in_app',
    message: 'Hi',
  });
  expect(again.status).toBe(202);
  expect(again.json.id).not.toBe(json.id);
});

test('an export holds all that is stored of a person, page by page', async () => {
  await notifications.insertMany([
    adas('sent'),
    adas('failed'),
    adas('scheduled'),
    aRecord({ user_id: 'bob' }),
  ]);
  const first = await producer.call('GET', `/v1/users/${PERSON}/export?limit=2`);
  expect(first.status).toBe(200);
  const second = await producer.call(
    'GET',
    `/v1/users/${PERSON}/export?limit=2&cursor=${String(first.json.next_cursor)}`,
  );
  const all = [first, second].flatMap(
    ({ json }) => json.notifications as { user_id: string; timeline: object[] }[],
  );
  expect(all).toHaveLength(3);
  expect(all.every(({ user_id, timeline }) => user_id === PERSON && timeline.length === 1)).toBe(true);
  expect(second.json.next_cursor).toBeNull();
  const { json: audit } = await producer.call('GET', '/v1/audit?act=user_exported');
  // Of each page, for whoever asks may begin anywhere.
  expect(audit.entries).toHaveLength(2);
});
