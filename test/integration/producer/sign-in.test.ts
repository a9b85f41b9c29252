import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { firstLink, linkFor } from '../../../services/producer/sign-in/first-link.ts';
import { pageRoutes } from '../../../services/producer/web/router.ts';
import type { ProducerContext } from '../../../services/producer/context.ts';
import { INDEXES, ensureIndexes, openStore, type Store } from '../../../shared/store/index.ts';
import {
  callApi,
  startTestProducer,
  testConfig,
  type Answer,
  type TestProducer,
} from '../../support/fleet.ts';
import { aRecord } from '../../support/records.ts';
import { createTestServers, type TestServers } from '../../support/servers.ts';
import { Visitor, signedIn } from '../../support/visitor.ts';

let servers: TestServers;
let producer: TestProducer;
let store: Store;
const PASSWORD = 'correct horse battery';

beforeAll(async () => {
  servers = await createTestServers();
  producer = await startTestProducer(testConfig(servers));
  store = openStore(servers.mongoUri, 'test');
  await ensureIndexes(store.db);
});
afterAll(async () => {
  await producer.stop();
  await store.stop();
  await servers.drop();
});
beforeEach(async () => {
  for (const name of ['accounts', 'sessions', 'sign_in_links', 'sign_in_attempts'])
    await store.db.collection(name).deleteMany({});
});

const open = (path: string, cookie = '', headers: Record<string, string> = {}): Promise<Answer> =>
  new Visitor(producer.address, cookie).open(path, headers);
const post = (
  path: string,
  fields: Record<string, string>,
  cookie = '',
  headers: Record<string, string> = {},
): Promise<Answer> => new Visitor(producer.address, cookie).submit(path, fields, headers);
const cookieOf = ({ headers }: Answer): string =>
  /tidings=[^;]+/.exec(headers.get('set-cookie') ?? '')?.[0] ?? '';
const secretOf = (link: string): string => new URL(link).searchParams.get('secret') ?? '';

async function accountWithPassword(name: string): Promise<void> {
  await post('/account', { password: PASSWORD }, await signedIn(servers.mongoUri, 'operator', name));
}

describe('the first account', () => {
  test('is made once, and its link signs in once', async () => {
    const config = testConfig(servers);
    const link = await firstLink(config, producer.address);
    expect(link?.name).toBe('operator');
    const path = (link?.address ?? '').slice(producer.address.length);
    const looked = [await open(path), await open(path)];
    expect(looked.map(({ status }) => status)).toEqual([200, 200]);
    const secret = secretOf(link?.address ?? '');
    const [first, second] = [
      await post('/sign-in/link', { secret }),
      await post('/sign-in/link', { secret }),
    ];
    expect([first.status, second.status]).toEqual([303, 403]);
    expect((await open('/accounts', cookieOf(first))).status).toBe(200);
  });
  test('has a new link with every start, until it has a password', async () => {
    const config = testConfig(servers);
    const [first, second] = [await firstLink(config, ''), await firstLink(config, '')];
    expect(second?.address).not.toBe(first?.address);
    expect(
      (await post('/sign-in/link', { secret: secretOf(`http://x${first?.address ?? ''}`) })).status,
    ).toBe(403);
    const signedInBy = await post('/sign-in/link', { secret: secretOf(`http://x${second?.address ?? ''}`) });
    await post('/account', { password: PASSWORD }, cookieOf(signedInBy));
    expect(await firstLink(config, '')).toBeUndefined();
    expect(await linkFor(config, '', 'operator')).toBeDefined();
    expect(await linkFor(config, '', 'nobody')).toBeUndefined();
  });
});

describe('signing in', () => {
  test('with the password leads to where the person was going, with a cookie that no script reads', async () => {
    await accountWithPassword('ann');
    const asked = await open('/notifications?status=failed');
    expect([asked.status, asked.headers.get('location')]).toEqual([
      303,
      '/sign-in?next=%2Fnotifications%3Fstatus%3Dfailed',
    ]);
    const answer = await post('/sign-in', {
      name: ' Ann ',
      password: PASSWORD,
      next: '/notifications?status=failed',
    });
    expect([answer.status, answer.headers.get('location')]).toEqual([303, '/notifications?status=failed']);
    expect(answer.headers.get('set-cookie')).toMatch(/; Path=\/; HttpOnly; SameSite=Lax$/);
    expect((await open('/', cookieOf(answer))).status).toBe(200);
  });
  test.each([
    'https://evil.example/',
    '//evil.example',
    '/\\evil.example',
    '/.//evil.example',
    '/a/..//evil.example',
    'javascript:alert(1)',
  ])('never leads away: %s', async (next) => {
    await accountWithPassword('ann');
    const answer = await post('/sign-in', { name: 'ann', password: PASSWORD, next });
    expect([answer.status, answer.headers.get('location')]).toEqual([303, '/']);
  });
  test('with a wrong password, a wrong name, or without a password says the same, and keeps the name only', async () => {
    await accountWithPassword('ann');
    await signedIn(servers.mongoUri, 'operator', 'bob');
    for (const name of ['ann', 'nobody', 'bob']) {
      const { status, text, headers } = await post('/sign-in', { name, password: 'wrong wrong wrong' });
      expect([status, headers.get('set-cookie')]).toEqual([401, null]);
      expect(text).toContain('<title>Error: Sign in');
      expect(text).toContain('or name is wrong');
      expect(text).toContain(`value="${name}"`);
      expect(text).not.toContain('wrong wrong wrong');
    }
  });
  test('is refused after ten wrong passwords of one name, also with the right one, and for that name only', async () => {
    await accountWithPassword('ann');
    await accountWithPassword('bob');
    const attempts = await Promise.all(
      Array.from({ length: 12 }, () => post('/sign-in', { name: 'ann', password: 'wrong' })),
    );
    const statuses = attempts.map(({ status }) => status).sort();
    expect(statuses).toEqual([...Array<number>(10).fill(401), 429, 429]);
    const refused = await post('/sign-in', { name: 'ann', password: PASSWORD });
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(60);
    expect((await post('/sign-in', { name: 'bob', password: PASSWORD })).status).toBe(303);
  });
  test('stores neither password nor secret', async () => {
    await accountWithPassword('ann');
    const answer = await post('/sign-in', { name: 'ann', password: PASSWORD });
    const secret = cookieOf(answer).slice('tidings='.length);
    const stored = JSON.stringify([
      await store.db.collection('accounts').find().toArray(),
      await store.db.collection('sessions').find().toArray(),
    ]);
    expect(stored).toContain('$2b$12$');
    expect(stored).not.toContain(PASSWORD);
    expect(stored).not.toContain(secret);
  });
});

describe('a session', () => {
  test('ends with the sign-out, in the store too', async () => {
    const cookie = await signedIn(servers.mongoUri, 'viewer');
    expect((await open('/', cookie)).status).toBe(200);
    expect((await post('/sign-out', {}, cookie)).headers.get('set-cookie')).toMatch(
      /tidings=;.*Expires=Thu, 01 Jan 1970/,
    );
    expect((await open('/', cookie)).headers.get('location')).toBe('/sign-in?next=%2F');
  });
  test('ends by itself when nobody uses it, and after a week in any case', async () => {
    const cookie = await signedIn(servers.mongoUri, 'viewer');
    const sessions = store.db.collection('sessions');
    await sessions.updateOne({}, { $set: { expires_at: new Date(Date.now() + 1_000) } });
    await open('/', cookie);
    const prolonged = await sessions.findOne();
    expect((prolonged?.expires_at as Date).getTime()).toBeGreaterThan(Date.now() + 11 * 3_600_000);
    const eightDays = new Date(Date.now() - 8 * 86_400_000);
    await sessions.updateOne({}, { $set: { created_at: eightDays, expires_at: new Date(Date.now() - 1) } });
    expect((await open('/', cookie)).status).toBe(303);
    expect(INDEXES.sessions.map((index) => 'expireAfterSeconds' in index)).toContain(true);
  });
  test('of a disabled account is over at once, and a new role counts at once', async () => {
    const [admin, cookie] = [
      await signedIn(servers.mongoUri, 'admin'),
      await signedIn(servers.mongoUri, 'viewer', 'vera@example.org'),
    ];
    expect((await open('/send-notification', cookie)).status).toBe(403);
    expect((await post('/accounts/vera@example.org/role', { role: 'operator' }, admin)).status).toBe(303);
    expect((await open('/send-notification', cookie)).status).toBe(200);
    await post('/accounts/vera@example.org/disable', {}, admin);
    expect((await open('/', cookie)).status).toBe(303);
    await post('/accounts/vera@example.org/enable', {}, admin);
    expect((await open('/', cookie)).status).toBe(303);
  });
});

describe('a password', () => {
  test.each([
    ['short', 'must have 12 characters or more'],
    [`${'é'.repeat(36)}x`, 'must have 72 bytes or fewer'],
    ['operator operator', 'must not contain the name'],
  ])('%s: %s', async (password, words) => {
    const { status, text } = await post('/account', { password }, await signedIn(servers.mongoUri));
    expect([status, text.includes(words)]).toEqual([422, true]);
    expect(await store.db.collection('accounts').findOne()).not.toHaveProperty('password_hash');
  });
  test('of 72 bytes is taken, and none that only begins like it', async () => {
    const password = 'é'.repeat(36);
    await post('/account', { password }, await signedIn(servers.mongoUri, 'operator', 'ann'));
    expect((await post('/sign-in', { name: 'ann', password: `${password}x` })).status).toBe(401);
    expect((await post('/sign-in', { name: 'ann', password })).status).toBe(303);
  });
  test('is changed with the old one only, and ends the other sessions', async () => {
    await accountWithPassword('ann');
    const [mine, other] = await Promise.all(
      [1, 2].map(async () => cookieOf(await post('/sign-in', { name: 'ann', password: PASSWORD }))),
    );
    const change = { current: 'not mine at all', password: 'another long sentence' };
    expect((await post('/account', change, mine)).text).toContain('is wrong');
    expect((await post('/account', { ...change, current: PASSWORD }, mine)).status).toBe(200);
    expect([(await open('/', mine)).status, (await open('/', other)).status]).toEqual([200, 303]);
  });
  test('that is lost is chosen anew through a link of an admin', async () => {
    await accountWithPassword('ann');
    const { text } = await post('/accounts/ann/link', {}, await signedIn(servers.mongoUri, 'admin'));
    const secret = /link\?secret=([\w-]+)/.exec(text)?.[1] ?? '';
    const cookie = cookieOf(await post('/sign-in/link', { secret }));
    await post('/account', { password: 'another long sentence' }, cookie);
    expect((await post('/sign-in', { name: 'ann', password: 'another long sentence' })).status).toBe(303);
  });
});

test('who came by a link and has chosen a password needs it for the next one', async () => {
  const { address = '' } = (await firstLink(testConfig(servers), 'http://x')) ?? {};
  const cookie = cookieOf(await post('/sign-in/link', { secret: secretOf(address) }));
  expect((await post('/account', { password: PASSWORD }, cookie)).status).toBe(200);
  const again = await post('/account', { password: 'another long sentence' }, cookie);
  expect([again.status, again.text.includes('is wrong')]).toEqual([422, true]);
});

test('under an https PUBLIC_URL the cookie is for that host and TLS alone, and attempts count by the client’s address', async () => {
  const config = testConfig(servers, { PUBLIC_URL: 'https://tidings.example.org', TRUSTED_PROXIES: '1' });
  const published = await startTestProducer(config);
  await accountWithPassword('ann');
  const submit = (fields: Record<string, string>, from: string) =>
    new Visitor(published.address).submit('/sign-in', fields, {
      'sec-fetch-site': 'same-origin',
      'x-forwarded-for': from,
    });
  const answer = await submit({ name: 'ann', password: PASSWORD }, '192.0.2.1');
  expect(answer.headers.get('set-cookie')).toMatch(
    /^__Host-tidings=[\w-]+; Path=\/; HttpOnly; Secure; SameSite=Lax$/,
  );
  await submit({ name: 'nobody', password: 'wrong' }, '192.0.2.2');
  const counted = await store.db.collection('sign_in_attempts').find().toArray();
  const points = Object.fromEntries(counted.map(({ key, points: count }) => [String(key), Number(count)]));
  // Whoever knew the password has his attempt back.
  expect(points).toMatchObject({ 'address:192.0.2.1': 0, 'address:192.0.2.2': 1, 'name:nobody': 1 });
  await published.stop();
});

test('the command that makes links can make an admin, for when nobody else can', async () => {
  await signedIn(servers.mongoUri, 'viewer', 'closed');
  await post('/accounts/closed/disable', {}, await signedIn(servers.mongoUri, 'admin'));
  expect(await linkFor(testConfig(servers), '', 'closed')).toBeUndefined();
  const link = await linkFor(testConfig(servers), 'http://x', 'closed', true);
  const cookie = cookieOf(await post('/sign-in/link', { secret: secretOf(link?.address ?? '') }));
  expect((await open('/accounts', cookie)).status).toBe(200);
});

test('while MongoDB is away pages say so in words for people', async () => {
  const lonely = await startTestProducer({ ...testConfig(servers), MONGO_URI: 'mongodb://127.0.0.1:1/x' });
  const { status, text } = await new Visitor(lonely.address, 'tidings=x').open('/');
  expect([status, text.includes('MongoDB cannot be reached')]).toEqual([503, true]);
  expect(
    (await new Visitor(lonely.address).submit('/sign-in', { name: 'ann', password: PASSWORD })).status,
  ).toBe(503);
  await lonely.stop();
}, 30_000);

describe('accounts', () => {
  test('are made by admins, with a link that is shown once', async () => {
    const admin = await signedIn(servers.mongoUri, 'admin');
    const { text } = await post('/accounts', { name: 'New@Example.org', role: 'viewer' }, admin);
    const secret = /link\?secret=([\w-]+)/.exec(text)?.[1] ?? '';
    expect((await open('/accounts', admin)).text).not.toContain(secret);
    const cookie = cookieOf(await post('/sign-in/link', { secret }));
    expect((await open('/', cookie)).text).toContain('new@example.org');
  });
  test('with a bad name, a bad role or twice come back with what is wrong', async () => {
    const admin = await signedIn(servers.mongoUri, 'admin');
    const bad = await post('/accounts', { name: '<b>', role: 'king' }, admin);
    expect(bad.status).toBe(422);
    expect(bad.text).toContain('must be 1 to 64 letters');
    expect(bad.text).toContain('must be one of viewer, operator, admin');
    expect((await post('/accounts', { name: 'admin', role: 'viewer' }, admin)).text).toContain('is taken');
  });
  test('of oneself cannot be demoted or disabled, so that an admin always remains', async () => {
    const admin = await signedIn(servers.mongoUri, 'admin');
    expect((await post('/accounts/admin/role', { role: 'viewer' }, admin)).status).toBe(403);
    expect((await post('/accounts/admin/disable', {}, admin)).status).toBe(403);
    expect((await post('/accounts/nobody/disable', {}, admin)).status).toBe(404);
  });
});

describe('every page', () => {
  const OPEN = new Set(['/sign-in', '/sign-in/link', '/sign-out', '/theme']);
  const routes = pageRoutes({} as ProducerContext);
  const filled = (path: string, id: string) => path.replace(':id', id).replace(':name', 'nobody');

  test('is closed to whoever is not signed in, but for the sign-in', async () => {
    for (const { path, get, post: submit } of routes.filter((route) => !OPEN.has(route.path))) {
      const address = filled(path, 'x');
      if (get)
        expect([path, (await open(address)).headers.get('location')?.slice(0, 14)]).toEqual([
          path,
          '/sign-in?next=',
        ]);
      if (get) expect([path, (await open(address, '', { accept: '*/*' })).status]).toEqual([path, 401]);
      if (submit) expect([path, (await post(address, {})).status]).toEqual([path, 401]);
    }
  });
  test('that changes something is closed to viewers, and what sees to accounts to operators', async () => {
    const record = aRecord({ status: 'failed_permanently' });
    await store.db.collection<{ _id: string }>('notifications').insertOne(record);
    const [viewer, operator] = [
      await signedIn(servers.mongoUri, 'viewer'),
      await signedIn(servers.mongoUri, 'operator'),
    ];
    for (const { path, needs, get, post: submit } of routes.filter((route) => !OPEN.has(route.path))) {
      const address = filled(path, record._id);
      const statuses = async (cookie: string) => [
        ...(get ? [(await open(address, cookie)).status] : []),
        ...(submit ? [(await post(address, {}, cookie)).status] : []),
      ];
      // The streams do not end by themselves.
      if (path.endsWith('/live')) continue;
      if (needs !== 'viewer') expect([path, new Set(await statuses(viewer))]).toEqual([path, new Set([403])]);
      if (needs === 'admin')
        expect([path, new Set(await statuses(operator))]).toEqual([path, new Set([403])]);
      else if (needs === 'operator')
        expect([path, (await statuses(operator)).includes(403)]).toEqual([path, false]);
    }
  });
  test('refuses a form of another site, whoever is signed in', async () => {
    const admin = await signedIn(servers.mongoUri, 'admin');
    for (const { path, post: submit } of routes)
      if (submit)
        for (const headers of [
          { origin: 'https://evil.example' },
          { 'sec-fetch-site': 'same-site' },
          { origin: '' },
        ])
          expect([path, (await post(filled(path, 'x'), {}, admin, headers)).status]).toEqual([path, 403]);
  });
  test('shows a viewer no way to what only others may do', async () => {
    const { text } = await open('/', await signedIn(servers.mongoUri, 'viewer'));
    expect(text).not.toContain('/send-notification');
  });
});

test('a key opens /stats as JSON, as before; a session does not open the API', async () => {
  expect((await callApi(producer.address, 'GET', '/stats')).json).toHaveProperty('by_status');
  const cookie = await signedIn(servers.mongoUri, 'admin');
  expect(
    (await producer.call('GET', '/v1/notifications', undefined, { authorization: '', cookie })).status,
  ).toBe(401);
});
