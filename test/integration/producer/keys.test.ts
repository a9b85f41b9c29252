import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newKeySchema } from '../../../shared/contracts/index.ts';
import { TcpProxy } from '../../../infra/chaos/tcp-proxy.ts';
import { openStore, type Store } from '../../../shared/store/index.ts';
import { ApiClient, aKey, holderOf } from '../../support/api-client.ts';
import { startTestProducer, testConfig, type TestProducer } from '../../support/fleet.ts';
import { createTestServers, mongoAt, type TestServers } from '../../support/servers.ts';
import { until } from '../../support/until.ts';

let servers: TestServers;
let producer: TestProducer;
let store: Store;
const mail = { user_id: 'u1', type: 'email', email: 'a@example.org', subject: 'Hi', message: 'Hello' };

beforeAll(async () => {
  servers = await createTestServers();
  producer = await startTestProducer(testConfig(servers));
  store = openStore(servers.mongoUri, 'test');
});
afterAll(async () => {
  await producer.stop();
  await store.stop();
  await servers.drop();
});

const send = (key: string, headers: Record<string, string> = {}) =>
  new ApiClient(producer.address, key).call('POST', '/v1/notifications', mail, headers);

describe('a key', () => {
  test('is shown once, and stored as a digest', async () => {
    const made = await producer.call('POST', '/v1/keys', { name: 'shop', scopes: ['send'] });
    expect(made.status).toBe(201);
    const { id, key } = newKeySchema.parse(made.json);
    expect(key).toMatch(/^tidk_[0-9a-f]{12}_[\w-]{43}$/);
    const secret = key.slice(-43);
    const stored = JSON.stringify(await store.db.collection('keys').find().toArray());
    expect(stored).toContain(id);
    expect(stored).not.toContain(secret);
    expect((await producer.call('GET', '/v1/keys')).text).not.toContain(secret);
  });
  test('opens what its scopes say, under its own name', async () => {
    const { id, key } = await aKey(producer, ['send']);
    const { status, json } = await send(key);
    expect(status).toBe(202);
    const record = await producer.call('GET', `/v1/notifications/${String(json.id)}`);
    expect(record.json).toMatchObject({ timeline: [{ actor: `key:${id}` }] });
    const list = await new ApiClient(producer.address, key).call('GET', '/v1/notifications');
    expect(list.status).toBe(403);
    expect(list.json).toMatchObject({ code: 'forbidden', detail: 'It needs the scope read; yours: send.' });
    expect(list.headers.get('www-authenticate')).toContain('insufficient_scope');
  });
  test('of one channel sends by that one only, alone and in a batch', async () => {
    const sender = await holderOf(producer, 'send:sms');
    const refused = await sender.call('POST', '/v1/notifications', mail);
    expect(refused.status).toBe(403);
    expect(refused.json.detail).toMatch(/send:email/);
    const sms = { user_id: 'u1', type: 'sms', phone: '+15005550006', message: 'Hello' };
    const batch = await sender.call('POST', '/v1/notifications/batch', { notifications: [mail, sms] });
    expect(batch.json).toMatchObject({
      accepted: [{ index: 1 }],
      rejected: [{ index: 0, errors: [{ field: 'type' }] }],
    });
  });
  test('two keys do not share idempotency keys', async () => {
    const [one, other] = [await aKey(producer, ['send']), await aKey(producer, ['send'])];
    const headers = { 'idempotency-key': 'receipt-7' };
    const first = await send(one.key, headers);
    expect((await send(one.key, headers)).json.id).toBe(first.json.id);
    expect((await send(other.key, headers)).json.id).not.toBe(first.json.id);
  });
  test('with a wrong secret, a wrong id or a piece more opens nothing', async () => {
    const { key } = await aKey(producer, ['send']);
    const last = key.endsWith('A') ? 'B' : 'A';
    for (const wrong of [
      `${key.slice(0, -1)}${last}`,
      key.replace(/_[0-9a-f]{12}_/, '_000000000000_'),
      `${key}x`,
    ])
      expect((await send(wrong)).status).toBe(401);
  });
  test('that is revoked opens nothing from two seconds later on', async () => {
    const { id, key } = await aKey(producer, ['send']);
    expect((await send(key)).status).toBe(202);
    expect((await producer.call('DELETE', `/v1/keys/${id}`)).json.state).toBe('revoked');
    await until(async () => (await send(key)).status === 401, 3_000);
    expect((await producer.call('DELETE', `/v1/keys/${id}`)).status).toBe(404);
    expect((await producer.call('POST', `/v1/keys/${id}/rotate`, {})).status).toBe(404);
  });
  test('that is rotated has another secret; the old one works for the grace', async () => {
    const { id, key: old } = await aKey(producer, ['send']);
    // So that the producer has just looked it up.
    await send(old);
    const rotated = await producer.call('POST', `/v1/keys/${id}/rotate`, { grace_seconds: 3 });
    expect(rotated.json).toMatchObject({ id, previous_until: expect.any(String) as string });
    const fresh = String(rotated.json.key);
    expect((await send(fresh)).status).toBe(202);
    expect((await send(old)).status).toBe(202);
    await until(async () => (await send(old)).status === 401, 6_000);
    expect((await send(fresh)).status).toBe(202);
  });
  test('ends when it is said to end', async () => {
    const expires_at = new Date(Date.now() + 1_500).toISOString();
    const { key } = await aKey(producer, ['send'], { expires_at });
    expect((await send(key)).status).toBe(202);
    await until(async () => (await send(key)).status === 401, 3_000);
  });
  test('works from its own addresses only', async () => {
    const far = await aKey(producer, ['send'], { allow_from: ['203.0.113.0/24', '2001:db8::/32'] });
    const near = await aKey(producer, ['send'], { allow_from: ['127.0.0.0/8'] });
    expect((await send(far.key)).status).toBe(401);
    // Nobody is believed who says that he comes from elsewhere.
    expect((await send(far.key, { 'x-forwarded-for': '203.0.113.7' })).status).toBe(401);
    expect((await send(near.key)).status).toBe(202);
  });
  test('says when it was last used', async () => {
    const { id, key } = await aKey(producer, ['send']);
    const lastUse = async () => {
      const { json } = await producer.call('GET', '/v1/keys');
      return (json.keys as { id: string; last_used_at?: string }[]).find((one) => one.id === id)
        ?.last_used_at;
    };
    expect(await lastUse()).toBeUndefined();
    await send(key);
    await until(async () => (await lastUse()) !== undefined);
  });
  test.each([
    [{ scopes: ['send'] }, 'name'],
    [{ name: 'x', scopes: [] }, 'scopes'],
    [{ name: 'x', scopes: ['fly'] }, 'scopes.0'],
    [{ name: 'x', scopes: ['send', 'send'] }, 'scopes'],
    [{ name: 'x', scopes: ['send'], allow_from: ['home'] }, 'allow_from.0'],
    [{ name: 'x', scopes: ['send'], expires_at: '2020-01-01T00:00:00Z' }, 'expires_at'],
    [{ name: 'x', scopes: ['send'], per_second: 0 }, 'per_second'],
    [{ name: 'x', scopes: ['send'], digest: 'mine' }, 'digest'],
  ])('%j is refused, naming %s', async (body, field) => {
    const { status, json } = await producer.call('POST', '/v1/keys', body);
    expect(status).toBe(400);
    expect((json.errors as { field: string }[]).map((one) => one.field)).toEqual([field]);
  });
});

test('while the store hangs, whoever has a key is told so within 3 s, and API_KEY still opens the door', async () => {
  const proxy = await TcpProxy.start(Number(new URL(servers.mongoUri).port));
  const MONGO_URI = mongoAt(proxy.port, servers.mongoUri);
  const other = await startTestProducer({ ...testConfig(servers), MONGO_URI });
  const { key } = await aKey(other, ['send']);
  proxy.be({ loseUpstream: true });
  for (const bearer of [key, `tidk_0123456789ab_${'x'.repeat(43)}`]) {
    const begunAt = performance.now();
    const { status } = await new ApiClient(other.address, bearer).call('POST', '/v1/notifications', mail);
    expect(status).toBe(503);
    expect(performance.now() - begunAt).toBeLessThan(3_300);
  }
  expect((await other.call('GET', '/v1/nothing')).status).toBe(404);
  proxy.be();
  proxy.reset();
  await other.stop();
  await proxy.stop();
});

describe('the limits', () => {
  test('a key says what is left, and is refused with 429 beyond it; others go on', async () => {
    const { key } = await aKey(producer, ['send'], { per_second: 5 });
    const other = await aKey(producer, ['send']);
    const answers = await Promise.all(Array.from({ length: 12 }, () => send(key)));
    const refused = answers.filter(({ status }) => status === 429);
    expect(refused.length).toBeGreaterThanOrEqual(2);
    expect(answers.filter(({ status }) => status === 202).length).toBeGreaterThanOrEqual(5);
    expect(refused[0]?.headers.get('retry-after')).toBe('1');
    expect(refused[0]?.headers.get('ratelimit-policy')).toBe('"key";q=5;w=1');
    expect(refused[0]?.headers.get('ratelimit')).toMatch(/^"key";r=0;t=1$/);
    expect((await send(other.key)).status).toBe(202);
    await until(async () => (await send(key)).status === 202, 3_000);
  });
  test('API_KEY has none', async () => {
    const answers = await Promise.all(
      Array.from({ length: 400 }, () => producer.call('GET', '/v1/users/u9/notifications/unread_count')),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(answers[0]?.headers.get('ratelimit')).toBeNull();
  });
  test('an address with wrong keys is refused before long; good keys of it are not', async () => {
    // So few that 500 are too many however long this machine takes for them.
    const own = await startTestProducer(testConfig(servers, { ADDRESS_REQUESTS_PER_SECOND: '30' }));
    const { key } = await aKey(own, ['send']);
    const knock = (bearer: string) =>
      new ApiClient(own.address, bearer).call('POST', '/v1/notifications', mail);
    const knocks = await Promise.all(Array.from({ length: 500 }, () => knock('tidk_wrong')));
    const statuses = new Set(knocks.map(({ status }) => status));
    expect(statuses).toEqual(new Set([401, 429]));
    expect((await knock(key)).status).toBe(202);
    await own.stop();
  });
});
