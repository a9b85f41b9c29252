import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { notificationsOf, openStore, type Notifications, type Store } from '../../../shared/store/index.ts';
import { startTestProducer, testConfig, type TestProducer } from '../../support/fleet.ts';
import { aRecord } from '../../support/records.ts';
import { createTestServers, type TestServers } from '../../support/servers.ts';

let servers: TestServers;
let producer: TestProducer;
let store: Store;
let notifications: Notifications;
const form = {
  user_id: 'u1',
  type: 'email',
  email: 'a@example.org',
  message: 'Hello\r\nthere',
  lane: 'bulk',
  phone: '',
};

beforeAll(async () => {
  servers = await createTestServers();
  producer = await startTestProducer(testConfig(servers));
  store = openStore(servers.mongoUri, 'test');
  notifications = notificationsOf(store.db);
});
afterAll(async () => {
  await producer.stop();
  await store.stop();
  await servers.drop();
});

const submit = (fields: Record<string, string>, headers: Record<string, string> = {}) =>
  producer.call('POST', '/send-notification', new URLSearchParams(fields).toString(), {
    'content-type': 'application/x-www-form-urlencoded',
    origin: producer.address,
    authorization: '',
    ...headers,
  });

/** fetch() does not let one say the Host. */
function getAs(host: string): Promise<number | undefined> {
  const { port } = new URL(producer.address);
  return new Promise((resolve) => {
    request({ port, host: '127.0.0.1', path: '/', headers: { host } }, (response) => {
      response.resume();
      resolve(response.statusCode);
    }).end();
  });
}

describe('the form', () => {
  test('makes a notification and leads to its page; a double click makes no second one', async () => {
    const fields = { ...form, idempotency_key: 'form-1' };
    const [first, second] = [await submit(fields), await submit(fields)];
    expect([first.status, second.status]).toEqual([303, 303]);
    expect(first.headers.get('location')).toBe(second.headers.get('location'));
    const records = await notifications.find({ caller: 'web', idempotency_key: 'form-1' }).toArray();
    expect(records).toHaveLength(1);
    expect(records[0]).toMatchObject({ message: 'Hello\nthere', lane: 'bulk', type: 'email' });
  });
  test('with troubles comes back with 422, the words beside the fields, and what was typed', async () => {
    const { status, text } = await submit({ ...form, email: 'nobody', user_id: '', subject: 'Kept <b>' });
    expect(status).toBe(422);
    expect(text).toContain('<title>Error: ');
    expect(text).toMatch(/id="email-error">must be an e-mail address/);
    expect(text).toMatch(/id="user_id-error">is required/);
    expect(text).toContain('value="Kept &lt;b&gt;"');
  });
  test('from another site is refused, and nothing is stored', async () => {
    const before = await notifications.countDocuments();
    expect((await submit(form, { origin: 'https://evil.example' })).status).toBe(403);
    expect(await notifications.countDocuments()).toBe(before);
  });
});

test('a page asked for by another name is refused (DNS rebinding)', async () => {
  const { port } = new URL(producer.address);
  expect(await getAs('evil.example')).toBe(403);
  expect(await getAs(`localhost:${port}`)).toBe(200);
});

test('a page that is not there says so as a page, and to a program as a problem', async () => {
  const page = await producer.call('GET', '/notifications/nobody', undefined, {
    authorization: '',
    accept: 'text/html',
  });
  expect([page.status, page.headers.get('content-type')]).toEqual([404, 'text/html; charset=utf-8']);
  expect(page.text).toContain('There is no such notification');
  const problem = await producer.call('GET', '/nowhere', undefined, { accept: 'application/json' });
  expect([problem.status, problem.json.code]).toEqual([404, 'not_found']);
});

test('what people wrote is shown as text, never as markup', async () => {
  const record = aRecord({ subject: '<img src=x onerror=alert(1)>', message: '<script>alert(1)</script>' });
  await notifications.insertOne(record);
  const { text } = await producer.call('GET', `/notifications/${record._id}`);
  expect(text).not.toContain('<img src=x');
  expect(text).not.toContain('<script>alert');
});

test('the stats are a page for a browser, JSON for whoever has the key, and both count the same', async () => {
  const page = await producer.call('GET', '/stats', undefined, { authorization: '', accept: 'text/html' });
  expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
  const { json } = await producer.call('GET', '/stats');
  expect(json.total).toBe(await notifications.countDocuments());
  expect((json.queues as { ready: number }[]).every(({ ready }) => Number.isInteger(ready))).toBe(true);
});

test('pages allow no foreign script, style or frame', async () => {
  const { headers } = await producer.call('GET', '/', undefined, { authorization: '' });
  expect(headers.get('content-security-policy')).toMatch(
    /default-src 'none'.*script-src 'self'.*frame-ancestors 'none'/,
  );
});
