import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { notificationsOf, openStore, type Notifications, type Store } from '../../../shared/store/index.ts';
import { API_KEY, startTestProducer, testConfig, type TestProducer } from '../../support/fleet.ts';
import { rawGet, rawRequest } from '../../support/raw-request.ts';
import { aRecord } from '../../support/records.ts';
import { createTestServers, type TestServers } from '../../support/servers.ts';
import { Visitor, signedIn } from '../../support/visitor.ts';

let servers: TestServers;
let producer: TestProducer;
let store: Store;
let notifications: Notifications;
let operator: Visitor;
const mail = { user_id: 'u1', type: 'email', email: 'a@example.org', subject: 'Hi', message: 'Hello' };

beforeAll(async () => {
  servers = await createTestServers();
  producer = await startTestProducer(
    testConfig(servers, { REQUEST_TIMEOUT_SECONDS: '1', TWILIO_PHONE_NUMBER: '+15005550006' }),
  );
  store = openStore(servers.mongoUri, 'test');
  notifications = notificationsOf(store.db);
  operator = new Visitor(producer.address, await signedIn(servers.mongoUri, 'operator'));
});
beforeEach(async () => {
  await notifications.deleteMany({});
});
afterAll(async () => {
  await producer.stop();
  await store.stop();
  await servers.drop();
});

const post = (body: unknown, headers: Record<string, string> = {}) =>
  producer.call('POST', '/v1/notifications', body, headers);
const fieldsOf = ({ json }: { json: Record<string, unknown> }) =>
  ((json.errors ?? []) as { field: string }[]).map(({ field }) => field);

describe('a line break in what becomes a header of a mail', () => {
  const breaks = ['\r\nBcc: evil@example.org', '\nBcc: evil@example.org', '\r', '\0', '\u0085', '\u001b[2J'];
  test.each(['subject', 'email', 'user_id'])('is refused, naming %s, alone and in a batch', async (field) => {
    for (const piece of breaks) {
      const body = { ...mail, [field]: `a@example.org${piece}` };
      expect(fieldsOf(await post(body))).toEqual([field]);
      const batch = await producer.call('POST', '/v1/notifications/batch', { notifications: [body] });
      expect(batch.json.accepted).toEqual([]);
    }
    expect(await notifications.countDocuments()).toBe(0);
  });
  test('is refused in the form, too', async () => {
    const answer = await operator.submit('/send-notification', {
      ...mail,
      subject: 'a\r\nBcc: evil@example.org',
    });
    expect(answer.status).toBe(422);
    expect(await notifications.countDocuments()).toBe(0);
  });
});

describe('an operator of MongoDB', () => {
  const ne = { $ne: null };
  test.each([
    ['POST', '/v1/notifications', { ...mail, user_id: ne }],
    ['POST', '/v1/notifications', { ...mail, email: { $gt: '' } }],
    ['POST', '/v1/notifications', { ...mail, $where: 'sleep(1000)' }],
    ['POST', '/v1/dead-letters/retry', { filter: { user_id: ne } }],
    ['POST', '/v1/dead-letters/retry', { filter: { $or: [{}] } }],
    ['POST', '/v1/dead-letters/retry', { filter: { ids: [ne] } }],
    ['POST', '/v1/dead-letters/discard', { filter: { code: { $regex: '.*' } }, reason: 'x' }],
    ['GET', '/v1/notifications?user_id[$ne]=x', undefined],
    ['GET', '/v1/notifications?status[$in][]=failed', undefined],
    ['GET', '/v1/dead-letters?provider[$exists]=true', undefined],
    ['GET', '/v1/audit?actor[$ne]=x', undefined],
    ['GET', '/v1/users/u1/notifications?unread[$ne]=true', undefined],
    ['POST', '/v1/keys', { name: ne, scopes: ['send'] }],
    ['POST', '/v1/auth/revoke', { refresh_token: ne }],
  ])('%s %s with it changes nothing', async (method, path, body) => {
    await notifications.insertOne(aRecord({ status: 'failed_permanently' }));
    expect((await producer.call(method, path, body)).status).toBe(400);
    expect(await notifications.countDocuments({ status: 'failed_permanently' })).toBe(1);
  });
  test('in an address or a form is a text like any other', async () => {
    await notifications.insertOne(aRecord({ status: 'failed_permanently' }));
    const id = encodeURIComponent('{"$ne":null}');
    expect((await producer.call('POST', `/v1/notifications/${id}/retry`)).status).toBe(404);
    expect((await operator.submit(`/notifications/${id}/cancel`)).status).toBe(404);
    const cursor = encodeURIComponent('{"$gt":""}');
    expect((await producer.call('GET', `/v1/notifications?cursor=${cursor}`)).status).toBeLessThan(500);
    const form = new URLSearchParams([
      ['name[$ne]', ''],
      ['password[$ne]', ''],
    ]);
    expect((await new Visitor(producer.address).submit('/sign-in', form)).status).toBe(401);
    expect((await operator.open('/notifications?user_id[$ne]=x')).text).toContain('Failed permanently');
  });
  test('as a text or in data is kept as it was, also by the pipelines that change the record', async () => {
    const data = { $where: '1', 'a.b': { $ne: 1 } };
    const sent = await post({ ...mail, subject: '$user_id', message: '$$NOW', data });
    const id = String(sent.json.id);
    await producer.call('POST', `/v1/notifications/${id}/cancel`);
    const { json } = await producer.call('GET', `/v1/notifications/${id}`);
    expect(json).toMatchObject({ status: 'canceled', subject: '$user_id', message: '$$NOW', data });
  });
});

test('nothing that is sent becomes a property of everything', async () => {
  const poisons = [
    '"__proto__":{"polluted":true}',
    '"constructor":{"prototype":{"polluted":true}}',
    '"data":{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}',
    '"data":{"a":{"__proto__":{"polluted":true}}}',
  ];
  for (const poison of poisons) {
    const { status } = await post(`${JSON.stringify(mail).slice(0, -1)},${poison}}`);
    expect([poison, status]).toEqual([poison, poison.startsWith('"data"') ? 202 : 400]);
  }
  const form = new URLSearchParams({
    ...mail,
    '__proto__[polluted]': 'true',
    'constructor[prototype][polluted]': 'x',
  });
  await operator.submit('/send-notification', form);
  await producer.call(
    'GET',
    '/v1/notifications?__proto__[polluted]=true&constructor[prototype][polluted]=true',
  );
  expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  const { json } = await producer.call('GET', '/v1/notifications');
  for (const { data } of json.notifications as { data?: object }[])
    expect(Object.getPrototypeOf(data ?? {})).toBe(Object.prototype);
});

test.each([
  '/assets/../../package.json',
  '/assets/%2e%2e/%2e%2e/package.json',
  '/assets/..%2f..%2fpackage.json',
  '/assets/..%5c..%5cpackage.json',
  '/assets/uplot/../../../../package.json',
  '/docs/assets/../../../package.json',
  '/docs/assets/..%2fpackage.json/../../../package.json',
  '/docs/assets//%2e%2e/..//package.json',
  '/notifications/..%2f..%2f..%2fetc%2fpasswd',
  '/assets/tidings.css%00.json',
  '/assets/%',
  '/%00',
  '/../../../etc/passwd',
  'http://evil.example/v1/notifications',
])('%s leads nowhere', async (path) => {
  const answer = await rawGet(producer.address, path);
  expect(answer).toMatch(/^HTTP\/1\.1 (30\d|40\d)/);
  expect(answer).not.toMatch(/"name": *"tidings"|root:/);
});

describe('what is made to take long or much', () => {
  test.each([
    ['/v1/notifications', 200],
    ['/v1/notifications/batch', 200],
    ['/v1/dead-letters/retry', 200],
  ])('%s: a body that unpacks to %i MiB is refused', async (path, mebibytes) => {
    const bomb = gzipSync(Buffer.alloc(mebibytes * 1024 * 1024, ' '));
    expect(bomb.length).toBeLessThan(300_000);
    const before = process.memoryUsage().rss;
    const response = await fetch(`${producer.address}${path}`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${API_KEY}`,
        'content-type': 'application/json',
        'content-encoding': 'gzip',
      },
      body: bomb,
    });
    expect(response.status).toBe(413);
    expect(process.memoryUsage().rss - before).toBeLessThan((mebibytes / 2) * 1024 * 1024);
  });
  test('a head that comes byte by byte ends the connection, and nobody else waits', async () => {
    const begunAt = performance.now();
    const slow = rawRequest(
      producer.address,
      ['GET /healthz HTTP/1.1\r\n', ...'x-slow: 1234567890'.split('')],
      {
        everyMs: 400,
      },
    );
    expect((await post(mail)).status).toBe(202);
    const answer = await slow;
    expect(answer).toMatch(/^HTTP\/1\.1 408 /);
    expect(answer).toContain('application/problem+json');
    expect(performance.now() - begunAt).toBeLessThan(5_000);
  });
  test('so does a body', async () => {
    const head = `POST /v1/notifications HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${API_KEY}\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n`;
    const answer = await rawRequest(producer.address, [head, ...'{"user_id":"u1"'.split('')], {
      everyMs: 400,
    });
    expect(answer).toMatch(/^(HTTP\/1\.1 408 |$)/);
  });
  test('a head that is too large is refused in the words of the API', async () => {
    const answer = await rawGet(producer.address, '/healthz', { 'x-large': 'x'.repeat(20_000) });
    expect(answer).toMatch(/^HTTP\/1\.1 431 /);
    expect(answer).toContain('"code":"headers_too_large"');
  });
  test('what is no HTTP is refused in the words of the API', async () => {
    expect(await rawRequest(producer.address, ['HELO example.org\r\n\r\n'])).toMatch(
      /^HTTP\/1\.1 400 .*bad_request/s,
    );
  });
  const long = (piece: string) => piece.repeat(Math.floor(300_000 / piece.length));
  test.each([
    ['email', `${long('a')}@`],
    ['email', `a@${long('a.')}`],
    ['email', `a@${'a-'.repeat(120)}`],
    ['email', `a${long('@a.')}-`],
    ['email', `a${'@a.'.repeat(80)}-`],
    ['phone', `+1${long('1')}`],
    ['send_at', `2030-01-01T00:00:00.${long('0')}`],
    ['subject', long('\t ')],
    ['user_id', long('\u0301')],
    ['lane', long('bulk')],
  ])('a pattern is not kept busy by %s (%#)', async (field, value) => {
    const begunAt = performance.now();
    expect(fieldsOf(await post({ ...mail, [field]: value }))).toContain(field);
    expect(performance.now() - begunAt).toBeLessThan(1_000);
  });
  test('data that is nested too deep is refused, and spoils no batch', async () => {
    const deep = `{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`;
    const item = `${JSON.stringify(mail).slice(0, -1)},"data":${deep}}`;
    expect(fieldsOf(await post(item))).toEqual(['data']);
    const batch = `{"notifications":[${item},${JSON.stringify(mail)}]}`;
    const { status, json } = await producer.call('POST', '/v1/notifications/batch', batch);
    expect(status).toBe(202);
    expect(json.accepted).toMatchObject([{ index: 1 }]);
  });
  test('nor by addresses of keys, or words to search for', async () => {
    const begunAt = performance.now();
    for (const block of [long('1:'), long('1.'), `::${long(':')}`, `1.1.1.1/${long('1')}`]) {
      const body = { name: 'x', scopes: ['send'], allow_from: [block] };
      expect((await producer.call('POST', '/v1/keys', body)).status).toBe(400);
    }
    await notifications.insertOne(
      aRecord({ status: 'failed', error: { code: 'x', reason: 'a'.repeat(10_000) } }),
    );
    const words = encodeURIComponent(`${'(a+)+'.repeat(30)}$`);
    expect((await producer.call('GET', `/v1/notifications?error=${words}`)).status).toBe(200);
    expect(performance.now() - begunAt).toBeLessThan(2_000);
  });
});

describe('SMS to numbers of a caller’s choice', () => {
  const sms = { user_id: 'u1', type: 'sms', message: 'Hi' };
  const JAMAICA = '+18765551234';
  test('go to the country of the sender’s own number only, whichever way they come in', async () => {
    expect((await post({ ...sms, phone: '+12025550123' })).status).toBe(202);
    const refused = await post({ ...sms, phone: JAMAICA });
    expect(refused.status).toBe(400);
    expect(refused.json.errors).toEqual([
      {
        field: 'phone',
        message: 'is in JM; SMS go to US only. To allow it, set SMS_COUNTRIES=US,JM, a setting of the fleet',
      },
    ]);
    const batch = await producer.call('POST', '/v1/notifications/batch', {
      notifications: [
        { ...sms, phone: JAMAICA },
        { ...sms, phone: '+4915112345678' },
      ],
    });
    expect(batch.json.accepted).toEqual([]);
    expect((await operator.submit('/send-notification', { ...sms, phone: JAMAICA })).status).toBe(422);
    expect(await notifications.countDocuments({ type: 'sms' })).toBe(1);
  });
  test('go where SMS_COUNTRIES says', async () => {
    for (const [SMS_COUNTRIES, status] of [
      ['JM,DE', 202],
      ['*', 202],
      ['DE', 400],
    ] as const) {
      const other = await startTestProducer(
        testConfig(servers, { SMS_COUNTRIES, TWILIO_PHONE_NUMBER: '+15005550006' }),
      );
      expect((await other.call('POST', '/v1/notifications', { ...sms, phone: JAMAICA })).status).toBe(status);
      await other.stop();
    }
    expect(() => testConfig(servers, { SMS_COUNTRIES: 'Jamaica' })).toThrow(
      /SMS_COUNTRIES: must be country codes/,
    );
  });
});

test('pages run nothing and load nothing that is not ours; no answer is taken for another type', async () => {
  const { headers } = await operator.open('/send-notification');
  expect(headers.get('content-security-policy')).toBe(
    "default-src 'none';script-src 'self';style-src 'self';img-src 'self';connect-src 'self';frame-src 'self';form-action 'self';base-uri 'none';frame-ancestors 'none'",
  );
  expect(headers.get('x-content-type-options')).toBe('nosniff');
  const api = await post(mail);
  expect(api.headers.get('x-content-type-options')).toBe('nosniff');
  expect(api.headers.get('cache-control')).toBe('no-store');
});
