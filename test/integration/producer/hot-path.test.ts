import { afterAll, beforeAll, expect, test } from 'vitest';
import { API_KEY, startTestProducer, testConfig, type TestProducer } from '../../support/fleet.ts';
import { createTestServers, type TestServers } from '../../support/servers.ts';

let servers: TestServers;
let producer: TestProducer;

beforeAll(async () => {
  servers = await createTestServers();
  producer = await startTestProducer(testConfig(servers));
});
afterAll(async () => {
  await producer.stop();
  await servers.drop();
});

const good = { user_id: 'u', type: 'in_app', message: 'Hi' };
const json = { authorization: `Bearer ${API_KEY}`, 'content-type': 'application/json' };

/** What a caller sees, without what differs from call to call. */
async function seen(path: string, headers: Record<string, string>, body: string): Promise<object> {
  const response = await fetch(`${producer.address}${path}`, { method: 'POST', headers, body });
  const withoutIds = (text: string) => text.replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, '<id>');
  const shown: Record<string, string | undefined> = {};
  for (const name of [
    'content-type',
    'location',
    'idempotency-replayed',
    'www-authenticate',
    'x-powered-by',
  ]) {
    const value = response.headers.get(name);
    if (value !== null) shown[name] = withoutIds(value);
  }
  return { status: response.status, text: withoutIds(await response.text()), ...shown };
}

/** Each call once as it is served without the framework, and once through it: a query is enough. */
test.each<[string, string, Record<string, string>, string]>([
  ['one that is fine', '', json, JSON.stringify(good)],
  [
    'with a charset',
    '',
    { ...json, 'content-type': 'application/json; charset=utf-8' },
    JSON.stringify(good),
  ],
  ['another encoding than it says', '', { ...json, 'content-encoding': 'gzip' }, JSON.stringify(good)],
  ['a foreign type', '', { ...json, 'content-type': 'text/plain' }, JSON.stringify(good)],
  ['with a byte order mark', '', json, `\ufeff${JSON.stringify(good)}`],
  ['malformed', '', json, '{"user_id": "u",'],
  ['a list', '', json, '[]'],
  ['nothing', '', json, ''],
  ['a missing field', '', json, JSON.stringify({ ...good, message: undefined })],
  ['an unknown field', '', json, JSON.stringify({ ...good, colour: 'red' })],
  ['a prototype', '', json, '{"user_id":"u","type":"in_app","message":"Hi","__proto__":{"lane":"bulk"}}'],
  ['an unusable key', '', { ...json, 'idempotency-key': 'x'.repeat(300) }, JSON.stringify(good)],
  ['no key', '', { 'content-type': 'application/json' }, JSON.stringify(good)],
  ['a wrong key', '', { ...json, authorization: 'Bearer wrong' }, JSON.stringify(good)],
  ['too large', '', json, JSON.stringify({ ...good, message: 'x'.repeat(1_100_000) })],
  ['a batch', '/batch', json, JSON.stringify({ notifications: [good, { ...good, type: 'fax' }] })],
  ['an empty batch', '/batch', json, JSON.stringify({ notifications: [] })],
])('%s is answered alike by both ways', async (_what, path, headers, body) => {
  const hot = await seen(`/v1/notifications${path}`, headers, body);
  expect(hot).toEqual(await seen(`/v1/notifications${path}?slow`, headers, body));
});

test('a repeat and a conflict are answered alike, whichever way came first', async () => {
  for (const ways of [
    ['', '?slow'],
    ['?slow', ''],
  ]) {
    const headers = { ...json, 'idempotency-key': `way-${ways.join('')}-${Math.random()}` };
    const [first, repeat] = [
      await seen(`/v1/notifications${ways[0]}`, headers, JSON.stringify(good)),
      await seen(`/v1/notifications${ways[1]}`, headers, JSON.stringify(good)),
    ];
    expect(repeat).toEqual({ ...first, 'idempotency-replayed': 'true' });
    const other = JSON.stringify({ ...good, message: 'Other' });
    expect(await seen('/v1/notifications', headers, other)).toEqual(
      await seen('/v1/notifications?slow', headers, other),
    );
  }
});
