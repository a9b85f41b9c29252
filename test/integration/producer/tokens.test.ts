import { SignJWT, exportJWK, generateKeyPair, UnsecuredJWT } from 'jose';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { tokensSchema } from '../../../shared/contracts/index.ts';
import { Accounts, notificationsOf, openStore, type Store } from '../../../shared/store/index.ts';
import { SignIn } from '../../../services/producer/sign-in/sign-in.ts';
import { ApiClient, PASSWORD, accountWithPassword, holderOf } from '../../support/api-client.ts';
import { startTestProducer, testConfig, type TestProducer } from '../../support/fleet.ts';
import { createTestServers, type TestServers } from '../../support/servers.ts';
import { aRecord } from '../../support/records.ts';
import { until } from '../../support/until.ts';

const ISSUER = 'https://id.example.org/';
const AUDIENCE = 'tidings-test';
type KeyPair = Awaited<ReturnType<typeof generateKeyPair>>;

let servers: TestServers;
let producer: TestProducer;
let store: Store;
let issuer: Server;
let pair: KeyPair;
let stranger: KeyPair;
const mail = { user_id: 'u1', type: 'email', email: 'a@example.org', message: 'Hello' };

beforeAll(async () => {
  servers = await createTestServers();
  [pair, stranger] = await Promise.all([generateKeyPair('ES256'), generateKeyPair('ES256')]);
  const keys = { keys: [{ ...(await exportJWK(pair.publicKey)), kid: 'one', alg: 'ES256' }] };
  issuer = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(keys));
  });
  await new Promise<void>((resolve) => issuer.listen(0, '127.0.0.1', resolve));
  const JWKS_URL = `http://127.0.0.1:${(issuer.address() as AddressInfo).port}/jwks.json`;
  const config = testConfig(servers, { JWKS_URL, JWT_ISSUER: ISSUER, JWT_AUDIENCE: AUDIENCE });
  producer = await startTestProducer(config);
  store = openStore(servers.mongoUri, 'test');
  for (const role of ['viewer', 'operator', 'admin'] as const)
    await accountWithPassword(servers.mongoUri, role);
});
afterAll(async () => {
  await producer.stop();
  await store.stop();
  issuer.close();
  await servers.drop();
});

const nobody = () => new ApiClient(producer.address);
const grant = (body: object) => nobody().call('POST', '/v1/auth/token', body);
const signIn = (username: string, password = PASSWORD) =>
  grant({ grant_type: 'password', username, password });
const refresh = (refresh_token: string) => grant({ grant_type: 'refresh_token', refresh_token });
const by = (token: unknown) => new ApiClient(producer.address, String(token));

describe('an account', () => {
  test('gets a short token for its password, with the rights of its role', async () => {
    const { status, json, headers } = await signIn('viewer');
    expect(status).toBe(200);
    expect(headers.get('cache-control')).toBe('no-store');
    expect((await grant({ username: 'viewer', password: PASSWORD })).status).toBe(200);
    expect(tokensSchema.parse(json)).toMatchObject({
      token_type: 'Bearer',
      expires_in: 600,
      scope: 'read read:all',
    });
    const viewer = by(json.access_token);
    expect((await viewer.call('GET', '/v1/notifications')).status).toBe(200);
    expect((await viewer.call('POST', '/v1/notifications', mail)).status).toBe(403);
    const operator = by((await signIn('operator')).json.access_token);
    const sent = await operator.call('POST', '/v1/notifications', mail);
    expect(sent.status).toBe(202);
    const { json: record } = await operator.call('GET', `/v1/notifications/${String(sent.json.id)}`);
    expect(record).toMatchObject({ timeline: [{ actor: 'account:operator' }] });
  });
  test.each([
    ['a wrong password', { grant_type: 'password', username: 'viewer', password: 'wrong horse battery' }],
    ['nobody’s name', { grant_type: 'password', username: 'nobody', password: PASSWORD }],
    ['an empty password', { grant_type: 'password', username: 'viewer', password: '' }],
    ['what is no refresh token', { grant_type: 'refresh_token', refresh_token: 'x' }],
  ])('%s: 401, and the same words', async (_what, body) => {
    const { status, json, headers } = await grant(body);
    expect(status).toBe(401);
    expect(json).toEqual({
      type: 'about:blank',
      title: 'These are no good credentials',
      status: 401,
      code: 'invalid_credentials',
      // What to do, and not what was wrong.
      ...(body.grant_type === 'refresh_token' && { detail: 'Sign in with the password again.' }),
    });
    expect(headers.get('www-authenticate')).toMatch(/^Bearer/);
  });
  test.each([
    [{ grant_type: 'guess' }, 'grant_type'],
    [{ grant_type: 'password', username: 'viewer' }, 'password'],
    [{ grant_type: 'password', username: { $ne: '' }, password: PASSWORD }, 'username'],
  ])('%j is refused, naming %s', async (body, field) => {
    const { status, json } = await grant(body);
    expect(status).toBe(400);
    expect((json.errors as { field: string }[]).map((one) => one.field)).toEqual([field]);
  });
  test('is out at once when it is disabled, or its password changes', async () => {
    await accountWithPassword(servers.mongoUri, 'operator', 'ada');
    await accountWithPassword(servers.mongoUri, 'operator', 'bob');
    const [ada, bob] = [(await signIn('ada')).json, (await signIn('bob')).json];
    const own = new SignIn(store, {});
    await own.disable('ada');
    await own.setPassword('bob', 'another horse battery', { headers: {} } as never);
    for (const tokens of [ada, bob]) {
      await until(async () => (await by(tokens.access_token).call('GET', '/stats')).status === 401, 3_000);
      expect((await refresh(String(tokens.refresh_token))).status).toBe(401);
    }
    const again = (await signIn('bob', 'another horse battery')).json;
    expect((await by(again.access_token).call('GET', '/v1/notifications')).status).toBe(200);
  });
  test('a new role counts with the next requests', async () => {
    await accountWithPassword(servers.mongoUri, 'operator', 'eve');
    const eve = by((await signIn('eve')).json.access_token);
    expect((await eve.call('POST', '/v1/notifications', mail)).status).toBe(202);
    await new Accounts(store.db).setRole('eve', 'viewer');
    await until(async () => (await eve.call('POST', '/v1/notifications', mail)).status === 403, 3_000);
  });
});

describe('a refresh token', () => {
  test('works once, and its answer holds the next one', async () => {
    const first = (await signIn('admin')).json;
    const second = await refresh(String(first.refresh_token));
    expect(second.status).toBe(200);
    expect(second.json.refresh_token).not.toBe(first.refresh_token);
    expect((await by(second.json.access_token).call('GET', '/v1/keys')).status).toBe(200);
  });
  test('used twice ends all that came out of the same password', async () => {
    const first = String((await signIn('admin')).json.refresh_token);
    const stolen = String((await refresh(first)).json.refresh_token);
    expect((await refresh(first)).status).toBe(401);
    expect((await refresh(stolen)).status).toBe(401);
    const { json } = await producer.call('GET', '/v1/audit?act=refresh_token_reused');
    expect(json.entries).toMatchObject([{ actor: 'account:admin' }]);
  });
  test('of two uses at once one wins at most', async () => {
    const token = String((await signIn('admin')).json.refresh_token);
    const answers = await Promise.all(Array.from({ length: 8 }, () => refresh(token)));
    const won = answers.filter(({ status }) => status === 200);
    expect(won.length).toBeLessThanOrEqual(1);
    // Seven came with a copy, so the eighth has nothing of it either.
    for (const { json } of won) expect((await refresh(String(json.refresh_token))).status).toBe(401);
  });
  test('is over when its holder signs out', async () => {
    const token = String((await signIn('admin')).json.refresh_token);
    expect((await nobody().call('POST', '/v1/auth/revoke', { refresh_token: token })).status).toBe(200);
    expect((await refresh(token)).status).toBe(401);
  });
  test('is stored as a digest', async () => {
    const token = String((await signIn('admin')).json.refresh_token);
    const stored = JSON.stringify(await store.db.collection('refresh_tokens').find().toArray());
    expect(stored).not.toContain(token.split('.')[1]);
  });
});

describe('a token of the outside issuer', () => {
  const signed = (
    claims: Record<string, unknown>,
    options: { key?: KeyPair; alg?: string; kid?: string } = {},
  ) =>
    new SignJWT({ iss: ISSUER, aud: AUDIENCE, exp: Math.floor(Date.now() / 1000) + 60, ...claims })
      .setProtectedHeader({ alg: options.alg ?? 'ES256', kid: options.kid ?? 'one' })
      .sign((options.key ?? pair).privateKey);
  const ownInbox = '/v1/users/u7/notifications';

  test('with scopes of ours is a service’s', async () => {
    const service = by(await signed({ sub: 'shop', scope: 'openid tidings:send tidings:nothing' }));
    const sent = await service.call('POST', '/v1/notifications', mail);
    expect(sent.status).toBe(202);
    expect((await service.call('GET', '/v1/notifications')).status).toBe(403);
    const { json } = await producer.call('GET', `/v1/notifications/${String(sent.json.id)}`);
    expect(json).toMatchObject({ timeline: [{ actor: 'service:shop' }] });
  });
  test('without any reaches the inbox of its own person, and nothing else', async () => {
    const person = by(await signed({ sub: 'u7' }));
    expect((await person.call('GET', ownInbox)).status).toBe(200);
    expect((await person.call('POST', `${ownInbox}/read_all`)).status).toBe(200);
    for (const path of ['/v1/users/u8/notifications', '/v1/notifications', '/v1/users/u7/export', '/stats'])
      expect([path, (await person.call('GET', path)).status]).toEqual([path, 403]);
    expect((await person.call('DELETE', '/v1/users/u7')).status).toBe(403);
    // Codes that went by other ways, and what has not come yet, are not in the inbox.
    const add = (more: object) => notificationsOf(store.db).insertOne(aRecord({ user_id: 'u7', ...more }));
    await add({ status: 'sent', type: 'sms', phone: '+12025550123', sent_at: new Date() });
    await add({ status: 'scheduled', type: 'in_app' });
    await add({ status: 'sent', type: 'in_app', sent_at: new Date(), message: 'Hello' });
    for (const query of ['', '?type=in_app']) {
      const { json } = await person.call('GET', `${ownInbox}${query}`);
      expect((json.notifications as { message: string }[]).map(({ message }) => message)).toEqual(['Hello']);
    }
    expect((await person.call('GET', `${ownInbox}?type=sms`)).json.notifications).toEqual([]);
    expect((await producer.call('GET', ownInbox)).json.notifications).toHaveLength(3);
  });
  test.each([
    ['another audience', async () => signed({ sub: 'u7', aud: 'others' })],
    ['another issuer', async () => signed({ sub: 'u7', iss: 'https://evil.example.org/' })],
    ['an end that is past', async () => signed({ sub: 'u7', exp: Math.floor(Date.now() / 1000) - 60 })],
    ['no end', async () => signed({ sub: 'u7', exp: undefined })],
    [
      'a time before which it is nothing',
      async () => signed({ sub: 'u7', nbf: Math.floor(Date.now() / 1000) + 60 }),
    ],
    ['nobody’s sub', async () => signed({})],
    ['a stranger’s signature', async () => signed({ sub: 'u7' }, { key: stranger })],
    [
      'no signature',
      () =>
        Promise.resolve(
          new UnsecuredJWT({ sub: 'u7' })
            .setIssuer(ISSUER)
            .setAudience(AUDIENCE)
            .setExpirationTime('1m')
            .encode(),
        ),
    ],
    [
      'the public key as a shared secret',
      async () =>
        new SignJWT({ sub: 'u7' })
          .setProtectedHeader({ alg: 'HS256', kid: 'one' })
          .setIssuer(ISSUER)
          .setAudience(AUDIENCE)
          .setExpirationTime('1m')
          .sign(new TextEncoder().encode(JSON.stringify(await exportJWK(pair.publicKey)))),
    ],
  ])('with %s opens nothing', async (_what, make) => {
    expect((await by(await make()).call('GET', ownInbox)).status).toBe(401);
  });
});

test('while the issuer cannot be asked for its keys, its tokens are neither taken nor called bad', async () => {
  const away = await startTestProducer(
    testConfig(servers, {
      JWKS_URL: 'http://127.0.0.1:1/jwks.json',
      JWT_ISSUER: ISSUER,
      JWT_AUDIENCE: AUDIENCE,
    }),
  );
  const token = await new SignJWT({ sub: 'u7' })
    .setProtectedHeader({ alg: 'ES256', kid: 'one' })
    .setIssuer(ISSUER)
    .setAudience(AUDIENCE)
    .setExpirationTime('1m')
    .sign(pair.privateKey);
  const answer = await new ApiClient(away.address, token).call('GET', '/v1/users/u7/notifications');
  expect(answer.status).toBe(503);
  expect(answer.json.code).toBe('issuer_unavailable');
  expect(answer.headers.get('retry-after')).toBe('5');
  await away.stop();
});

test.each([
  ['JWKS_URL', { JWKS_URL: 'http://id.example.org/jwks.json', JWT_ISSUER: ISSUER, JWT_AUDIENCE: AUDIENCE }],
  [
    'JWT_ISSUER',
    { JWKS_URL: 'https://id.example.org/jwks.json', JWT_ISSUER: 'tidings', JWT_AUDIENCE: AUDIENCE },
  ],
  ['JWT_AUDIENCE', { JWKS_URL: 'https://id.example.org/jwks.json', JWT_ISSUER: ISSUER }],
])('a setting of %s that would let others in is refused', (name, settings) => {
  expect(() => testConfig(servers, settings)).toThrow(name);
});

describe('a token for an inbox', () => {
  test('is issued to who may read and send, and reaches this person’s inbox only', async () => {
    const app = await holderOf(producer, 'read:all', 'send');
    const { status, json } = await app.call('POST', '/v1/users/u7/token');
    expect(status).toBe(201);
    const person = by(json.access_token);
    expect((await person.call('GET', '/v1/users/u7/notifications/unread_count')).status).toBe(200);
    expect((await person.call('GET', '/v1/users/u8/notifications/unread_count')).status).toBe(403);
    expect((await person.call('POST', '/v1/users/u7/token')).status).toBe(403);
    for (const scopes of [['read:all'], ['read', 'send']]) {
      const other = await holderOf(producer, ...scopes);
      expect((await other.call('POST', '/v1/users/u7/token')).status).toBe(403);
    }
  });
  test('is not an account’s token, whatever it is called', async () => {
    const app = await holderOf(producer, 'read:all', 'send');
    const { json } = await app.call('POST', '/v1/users/admin/token');
    expect((await by(json.access_token).call('GET', '/v1/keys')).status).toBe(403);
  });
  test('signed by a guess of one half of the key opens nothing', async () => {
    const forged = await new SignJWT({ use: 'inbox' })
      .setProtectedHeader({ alg: 'HS256' })
      .setIssuer('tidings')
      .setAudience('tidings')
      .setSubject('u7')
      .setExpirationTime('1m')
      .sign(new TextEncoder().encode('a-key-for-the-tests-only'));
    expect((await by(forged).call('GET', '/v1/users/u7/notifications')).status).toBe(401);
  });
});
