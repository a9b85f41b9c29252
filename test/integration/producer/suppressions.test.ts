import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Suppression } from '../../../shared/contracts/index.ts';
import {
  EarlyFeedbacks,
  Suppressions,
  hearFeedback,
  notificationsOf,
  openStore,
  suppressionIdOf,
  type Store,
} from '../../../shared/store/index.ts';
import { holderOf } from '../../support/api-client.ts';
import { startTestProducer, testConfig, type TestProducer } from '../../support/fleet.ts';
import { aRecord } from '../../support/records.ts';
import { createTestServers, type TestServers } from '../../support/servers.ts';
import { Visitor, signedIn } from '../../support/visitor.ts';

/** Looking at suppressions and lifting them, on the page and by the API; and what becomes of them when a person is erased. */
let servers: TestServers;
let producer: TestProducer;
let store: Store;
let suppressions: Suppressions;
let operator: Visitor;
let viewer: Visitor;

beforeAll(async () => {
  servers = await createTestServers();
  producer = await startTestProducer(testConfig(servers));
  store = openStore(servers.mongoUri, 'test');
  suppressions = new Suppressions(store.db);
  operator = new Visitor(producer.address, await signedIn(servers.mongoUri, 'operator'));
  viewer = new Visitor(producer.address, await signedIn(servers.mongoUri, 'viewer'));
});
beforeEach(async () => {
  await store.db.collection('suppressions').deleteMany({});
});
afterAll(async () => {
  await producer.stop();
  await store.stop();
  await servers.drop();
});

const idOf = (address: string) => suppressionIdOf('email', address);
const suppress = (address: string, more: Partial<Suppression> = {}) =>
  suppressions.add({
    _id: idOf(address),
    ...{ channel: 'email', address, code: '5.1.1', reason: 'no such user', actor: 'callback:dsn' },
    since: new Date(),
    ...more,
  });
const liftPath = (address: string) => `/suppressions/${encodeURIComponent(idOf(address))}/lift`;

describe('the page', () => {
  test('says who is suppressed, since when and why; an operator lifts one after a question, without scripts', async () => {
    await suppress('ada@example.org', { notification_id: 'n1' });
    const { text } = await operator.open('/suppressions');
    for (const words of [
      'ada@example.org',
      '5.1.1',
      'no such user',
      '/notifications/n1',
      liftPath('ada@example.org'),
    ])
      expect(text).toContain(words);
    const question = await operator.open(liftPath('ada@example.org'));
    expect([question.status, question.text]).toEqual([
      200,
      expect.stringContaining('ada@example.org') as string,
    ]);
    expect(await suppressions.get(idOf('ada@example.org'))).toBeDefined();
    const lifted = await operator.submit(liftPath('ada@example.org'));
    expect([lifted.status, lifted.headers.get('location')]).toEqual([303, '/suppressions']);
    expect((await operator.open('/suppressions')).text).toContain('No address is suppressed');
    // A form that is sent twice.
    expect((await operator.submit(liftPath('ada@example.org'))).status).toBe(303);
    const { json } = await producer.call('GET', '/v1/audit?act=suppression_lifted');
    expect(json.entries).toMatchObject([
      { actor: 'web:operator', subject: `suppression:${idOf('ada@example.org')}` },
    ]);
  });
  test('a viewer looks, and cannot lift', async () => {
    await suppress('ada@example.org');
    const { text } = await viewer.open('/suppressions');
    expect(text).toContain('an operator can lift');
    expect(text).not.toContain('/lift');
    expect((await viewer.submit(liftPath('ada@example.org'))).status).toBe(403);
    expect(await suppressions.get(idOf('ada@example.org'))).toBeDefined();
  });
  test('what servers say is shown as text', async () => {
    const hostile = '<img src=x onerror=alert(1)>';
    await suppress('ada@example.org', { reason: hostile, code: hostile });
    for (const path of ['/suppressions', liftPath('ada@example.org')])
      expect((await operator.open(path)).text).not.toContain('<img src=x');
  });
  test('finds one address, and says what is wrong with a question', async () => {
    await suppress('ada@example.org');
    await suppress('bob@example.org');
    const { text } = await operator.open('/suppressions?address=Ada%40example.org');
    expect(text).toContain('ada@example.org');
    expect(text).not.toContain('bob@example.org');
    const wrong = await operator.open('/suppressions?channel=pigeon');
    expect([wrong.status, wrong.text]).toEqual([422, expect.stringContaining('email, sms') as string]);
  });
});

describe('removal by filter', () => {
  const HOUR = 3_600_000;
  const wave = () =>
    Promise.all([
      suppress('wave1@example.org', { code: '5.1.10', provider: 'smtp', since: new Date(Date.now() - HOUR) }),
      suppress('wave2@example.org', { code: '5.1.10', provider: 'smtp', reason: 'relay (broken)' }),
      suppress('other@example.org', { code: '5.1.1', provider: 'smtp_backup' }),
      suppress('stop@example.org', { code: '21610', provider: 'twilio' }),
    ]);
  const left = async () =>
    (await store.db.collection('suppressions').find().toArray())
      .map(({ address }) => String(address))
      .toSorted();
  const remove = async (filter: object, more: object = {}) =>
    producer.call('POST', '/v1/suppressions/remove', { filter, reason: 'a relay was broken', ...more });
  const BOTH = ['wave1@example.org', 'wave2@example.org'];

  test('counts in a dry run, and removes nothing', async () => {
    await wave();
    const { status, json } = await remove({ code: '5.1.10' }, { dry_run: true });
    expect([status, json]).toEqual([200, { matched: 2, changed: 0, dry_run: true }]);
    expect(await left()).toHaveLength(4);
  });
  test.each([
    ['a code', { code: '5.1.10' }, BOTH],
    ['a provider', { provider: 'smtp_backup' }, ['other@example.org']],
    ['a part of the words', { reason: 'RELAY (' }, ['wave2@example.org']],
    ['a time', { to: new Date(Date.now() - HOUR / 2).toISOString() }, ['wave1@example.org']],
    [
      'a later time',
      { code: '5.1.10', from: new Date(Date.now() - HOUR / 2).toISOString() },
      ['wave2@example.org'],
    ],
    ['a channel without any', { channel: 'sms' }, [] as string[]],
    ['nothing: all but opt-outs', {}, [...BOTH, 'other@example.org']],
    ['the code of opt-outs', { code: '21610' }, ['stop@example.org']],
  ])('removes by %s', async (_what, filter, removed) => {
    await wave();
    const before = await left();
    expect((await remove(filter)).json).toEqual({
      matched: removed.length,
      changed: removed.length,
      dry_run: false,
    });
    expect(await left()).toEqual(before.filter((address) => !removed.includes(address)));
  });
  test('is audited in one line without addresses', async () => {
    await wave();
    await remove({ code: '5.1.10', reason: 'broken' });
    const { json } = await producer.call('GET', '/v1/audit?act=suppressions_removed&limit=1');
    expect(json.entries).toMatchObject([
      { actor: 'api', detail: '1 removed by {"code":"5.1.10","reason":"…"}: a relay was broken' },
    ]);
  });
  test.each([
    ['no filter', { reason: 'x' }, 'filter'],
    ['an unknown field', { filter: { colour: 'red' }, reason: 'x' }, 'filter.colour'],
    ['no reason', { filter: {} }, 'reason'],
    ['a time that is none', { filter: { from: 'yesterday' }, reason: 'x' }, 'filter.from'],
  ])('names the field of a request with %s', async (_what, body, field) => {
    const { status, json } = await producer.call('POST', '/v1/suppressions/remove', body);
    expect([status, json.errors]).toMatchObject([400, [{ field }]]);
  });
  test('takes the scope retry', async () => {
    const body = { filter: {}, reason: 'x' };
    const reader = await holderOf(producer, 'read', 'send');
    expect((await reader.call('POST', '/v1/suppressions/remove', body)).status).toBe(403);
  });
  test('on the page: a filter, a dry run with examples, a reason, and it is done', async () => {
    await wave();
    const list = await operator.open('/suppressions?code=5.1.10');
    expect(list.text).toContain('/suppressions/remove?code=5.1.10');
    expect(list.text).not.toContain('other@example.org');
    const plan = await operator.open('/suppressions/remove?code=5.1.10');
    expect(plan.text).toContain('Remove 2 suppressions?');
    expect(plan.text).toContain('wave1@example.org');
    const to = new Date().toISOString();
    const form = { code: '5.1.10', to, expected: '2' };
    expect((await operator.submit('/suppressions/remove', form)).status).toBe(422);
    expect(await left()).toHaveLength(4);
    const done = await operator.submit('/suppressions/remove', { ...form, reason: 'a relay was broken' });
    expect([done.status, done.headers.get('location')]).toEqual([303, '/suppressions']);
    expect(await left()).toEqual(['other@example.org', 'stop@example.org']);
    expect((await operator.open('/suppressions/remove')).status).toBe(400);
    expect((await viewer.open('/suppressions/remove?all=yes')).status).toBe(403);
  });
});

describe('adding by hand', () => {
  const add = (body: object) => producer.call('POST', '/v1/suppressions', body);
  test('suppresses an address, and is audited', async () => {
    const body = { channel: 'email', address: 'Ada@example.org', reason: 'asked by phone' };
    const { status, json } = await add(body);
    expect([status, json]).toMatchObject([
      200,
      { address: 'Ada@example.org', code: 'by_hand', actor: 'api' },
    ]);
    expect(await suppressions.among([idOf('ada@example.org')])).toHaveProperty('size', 1);
    expect((await add(body)).status).toBe(200);
    const { json: audit } = await producer.call('GET', '/v1/audit?act=suppression_added');
    expect(audit.entries).toMatchObject([{ subject: `suppression:${idOf('ada@example.org')}` }]);
  });
  test('takes over what a provider has suppressed, but for an opt-out', async () => {
    await suppress('ada@example.org', { provider: 'smtp' });
    await suppress('stop@example.org', { code: '21610', provider: 'twilio' });
    for (const [address, code] of [
      ['ada@example.org', 'by_hand'],
      ['stop@example.org', '21610'],
    ] as const)
      expect((await add({ channel: 'email', address, reason: 'x' })).json).toMatchObject({ code });
  });
  test.each([
    [{ channel: 'sms', address: 'ada@example.org', reason: 'x' }, 'address'],
    [{ channel: 'email', address: '+12025550123', reason: 'x' }, 'address'],
    [{ channel: 'in_app', address: 'u1', reason: 'x' }, 'channel'],
    [{ channel: 'email', address: 'ada@example.org' }, 'reason'],
  ])('names what is wrong with %j', async (body, field) => {
    const { status, json } = await add(body);
    expect([status, json.errors]).toMatchObject([400, [{ field }]]);
  });
});

describe('the API', () => {
  test('lists page by page, and names what is wrong', async () => {
    for (const name of ['a', 'b', 'c']) await suppress(`${name}@example.org`);
    const first = (await producer.call('GET', '/v1/suppressions?limit=2')).json;
    expect(first.suppressions).toHaveLength(2);
    const path = `/v1/suppressions?limit=2&cursor=${String(first.next_cursor)}`;
    const second = (await producer.call('GET', path)).json;
    expect(second).toMatchObject({ suppressions: [{ channel: 'email', code: '5.1.1' }], next_cursor: null });
    const { status, json } = await producer.call('GET', '/v1/suppressions?channel=pigeon');
    expect([status, json.errors]).toMatchObject([400, [{ field: 'channel' }]]);
  });
  test('lifts for whoever may retry, and for nobody else', async () => {
    await suppress('ada@example.org');
    const path = '/v1/suppressions/email/ADA@example.org';
    expect((await (await holderOf(producer, 'read:all', 'send', 'retry')).call('DELETE', path)).status).toBe(
      403,
    );
    expect((await (await holderOf(producer, 'retry:all')).call('DELETE', path)).status).toBe(200);
    expect((await producer.call('DELETE', path)).status).toBe(404);
    expect((await producer.call('DELETE', '/v1/suppressions/in_app/x')).status).toBe(400);
  });
});

describe('an address that can be spelled in several ways', () => {
  test.each([
    ['sms', '+33612345678', ['+330612345678', '+33 6 12 34 56 78', '+33612345678']],
    ['email', 'info@xn--bcher-kva.example', ['info@bücher.example', 'Info@BÜCHER.example']],
  ] as const)('is found and lifted by each spelling: %s %s', async (channel, address, spellings) => {
    for (const spelling of spellings) {
      await suppress(address, { _id: suppressionIdOf(channel, address), channel });
      const written = encodeURIComponent(spelling);
      const { json } = await producer.call('GET', `/v1/suppressions?channel=${channel}&address=${written}`);
      expect(json.suppressions).toMatchObject([{ address }]);
      expect((await producer.call('DELETE', `/v1/suppressions/${channel}/${written}`)).status).toBe(200);
    }
  });

  test('is stored in one form', async () => {
    const common = { user_id: 'u1', message: 'Hello', send_at: '2099-01-01T00:00:00Z' };
    const stored = async (more: object) => {
      const { json } = await producer.call('POST', '/v1/notifications', { ...common, ...more });
      return (await producer.call('GET', `/v1/notifications/${String(json.id)}`)).json;
    };
    expect(await stored({ type: 'sms', phone: '+330612345678' })).toMatchObject({ phone: '+33612345678' });
    expect(
      await stored({ type: 'email', email: 'a@bücher.example', reply_to: 'b@BÜCHER.example' }),
    ).toMatchObject({
      email: 'a@xn--bcher-kva.example',
      reply_to: 'b@xn--bcher-kva.example',
    });
  });
});

describe('a person', () => {
  const bounce = async (email: string, user_id: string): Promise<void> => {
    const record = aRecord({ email, user_id, status: 'sent', delete_at: new Date(Date.now() + 9e6) });
    const notifications = notificationsOf(store.db);
    await notifications.insertOne(record);
    const stores = { notifications, suppressions, early: new EarlyFeedbacks(store.db), retentionDays: 30 };
    const said = { actor: 'callback:dsn', provider: 'smtp', isForGood: true } as const;
    const reason = `550 <${email}> is unknown`;
    await hearFeedback(stores, {
      notification_id: record._id,
      status: 'bounced',
      code: '5.1.1',
      reason,
      ...said,
    });
  };
  test('is given out the suppressions that belong to them', async () => {
    await bounce('ada@example.org', 'ada');
    await bounce('bob@example.org', 'bob');
    const { json } = await producer.call('GET', '/v1/users/ada/export');
    expect(json.suppressions).toMatchObject([{ address: 'ada@example.org', code: '5.1.1' }]);
    expect(JSON.stringify(json)).not.toContain('bob@example.org');
  });
  test('who is erased leaves a digest, by which the address stays suppressed and can be lifted', async () => {
    await bounce('eve@example.org', 'eve');
    await producer.call('DELETE', '/v1/users/eve');
    const left = JSON.stringify(await store.db.collection('suppressions').find().toArray());
    for (const secret of ['eve@', '"eve"', 'is unknown']) expect(left).not.toContain(secret);
    expect(await suppressions.among([idOf('eve@example.org')])).toHaveProperty('size', 1);
    expect((await operator.open('/suppressions')).text).toContain('erased');
    expect((await producer.call('DELETE', '/v1/suppressions/email/eve@example.org')).status).toBe(200);
  });
});
