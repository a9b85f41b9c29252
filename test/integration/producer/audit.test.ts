import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Notification } from '../../../shared/contracts/index.ts';
import {
  Audit,
  notificationsOf,
  openStore,
  type Notifications,
  type Store,
} from '../../../shared/store/index.ts';
import { silentLogger } from '../../../shared/runtime/logger.ts';
import { aKey, holderOf } from '../../support/api-client.ts';
import { startTestProducer, testConfig, type TestProducer } from '../../support/fleet.ts';
import { aRecord } from '../../support/records.ts';
import { createTestServers, type TestServers } from '../../support/servers.ts';
import { Visitor, signedIn } from '../../support/visitor.ts';

let servers: TestServers;
let producer: TestProducer;
let store: Store;
let notifications: Notifications;
let admin: Visitor;

beforeAll(async () => {
  servers = await createTestServers();
  producer = await startTestProducer(testConfig(servers));
  store = openStore(servers.mongoUri, 'test');
  notifications = notificationsOf(store.db);
  admin = new Visitor(producer.address, await signedIn(servers.mongoUri, 'admin', 'ada'));
});
afterAll(async () => {
  await producer.stop();
  await store.stop();
  await servers.drop();
});

const add = async (more: Partial<Notification>): Promise<string> => {
  const record = aRecord({ message: 'your code is 424242', email: 'a@example.org', ...more });
  await notifications.insertOne(record);
  return record._id;
};
interface Line {
  id: string;
  actor: string;
  act: string;
  subject: string;
  detail?: string;
}
const lines = async (query = ''): Promise<Line[]> =>
  (await producer.call('GET', `/v1/audit${query}`)).json.entries as Line[];

describe('the audit says who did what to which', () => {
  test('by a key, to notifications and dead letters', async () => {
    const { id, key } = await aKey(producer, ['retry:all', 'read:all']);
    const headers = { authorization: `Bearer ${key}` };
    const call = (path: string, body?: object) => producer.call('POST', path, body, headers);
    const [dead, waiting, unknown] = [
      await add({ status: 'failed_permanently' }),
      await add({ status: 'scheduled' }),
      await add({ status: 'outcome_unknown' }),
    ];
    await call(`/v1/notifications/${dead}/retry`);
    await call(`/v1/notifications/${waiting}/cancel`);
    await call(`/v1/notifications/${unknown}/resolve`, { outcome: 'failed' });
    await call('/v1/dead-letters/discard', { filter: { ids: [unknown] }, reason: 'no use' });
    // Refused, so nothing was done.
    await call(`/v1/notifications/${waiting}/cancel`);
    const own = await lines(`?actor=key:${id}`);
    expect(
      own.map(({ act, subject, detail }) => [
        act,
        subject.replace(/^dead_letters:.*/, 'dead_letters'),
        detail,
      ]),
    ).toEqual([
      ['dead_letters_discarded', 'dead_letters', '1 matched: no use'],
      ['notification_resolved', `notification:${unknown}`, 'resolved as failed'],
      ['notification_canceled', `notification:${waiting}`, undefined],
      ['notification_retried', `notification:${dead}`, undefined],
    ]);
    const { json } = await producer.call('GET', `/v1/notifications/${waiting}`);
    expect((json.timeline as object[]).at(-1)).toMatchObject({ status: 'canceled', actor: `key:${id}` });
  });
  test('by a person on the pages, to channels, accounts and keys', async () => {
    await admin.submit('/controls/channel%3Asms', { reason: 'the provider moves', minutes: '5' });
    await admin.submit('/controls/channel%3Asms/resume');
    await admin.submit('/accounts', { name: 'bob', role: 'viewer' });
    await admin.submit('/accounts/bob/role', { role: 'operator' });
    await admin.submit('/accounts/bob/disable');
    const made = await admin.submit(
      '/keys',
      new URLSearchParams([
        ['name', 'shop'],
        ['scopes', 'send'],
        ['scopes', 'read'],
      ]),
    );
    const id = /tidk_([0-9a-f]{12})_/.exec(made.text)?.[1] ?? '';
    await admin.submit(`/keys/${id}/rotate`, { grace: '0', seen: '' });
    await admin.submit(`/keys/${id}/revoke`);
    expect(
      (await lines('?actor=web:ada')).map(({ act, subject, detail }) => [act, subject, detail]).reverse(),
    ).toEqual([
      ['switched_on', 'channel:sms', 'for 5 min: the provider moves'],
      ['switched_off', 'channel:sms', undefined],
      ['account_made', 'account:bob', 'viewer'],
      ['sign_in_link_made', 'account:bob', undefined],
      ['account_role_changed', 'account:bob', 'operator'],
      ['account_disabled', 'account:bob', undefined],
      ['key_made', `key:${id}`, 'send read'],
      ['key_rotated', `key:${id}`, expect.stringContaining('the old secret works until')],
      ['key_revoked', `key:${id}`, undefined],
    ]);
  });
  test('page by page, and by subject', async () => {
    const first = (await producer.call('GET', '/v1/audit?limit=3')).json;
    const second = (await producer.call('GET', `/v1/audit?limit=3&cursor=${String(first.next_cursor)}`)).json;
    const ids = [first, second].flatMap(({ entries }) => (entries as Line[]).map(({ id }) => id));
    expect(new Set(ids).size).toBe(6);
    expect([...ids].sort().reverse()).toEqual(ids);
    expect((await lines('?subject=account:bob')).length).toBe(4);
  });
  test('and never the content', async () => {
    const stored = JSON.stringify(await store.db.collection('audit').find().toArray());
    expect(stored).not.toMatch(/424242|example\.org/);
  });
  test('on a page, for admins', async () => {
    const { text } = await admin.open('/audit?act=switched_on');
    expect(text).toContain('the provider moves');
    expect(text).not.toContain('account:bob');
    expect((await admin.open('/audit?act=nothing')).status).toBe(422);
  });
});

test('a line can be changed or removed by nobody who uses the API', async () => {
  const root = await holderOf(producer, 'admin');
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE'])
    expect((await root.call(method, '/v1/audit')).status).toBe(405);
  const own = Object.getOwnPropertyNames(Audit.prototype);
  expect(own.sort()).toEqual(['constructor', 'list', 'note']);
});

test('a line that the store does not take is in the log, and the deed stands', async () => {
  const said: object[] = [];
  const log = { ...silentLogger, error: (words: string, fields?: object) => said.push({ words, ...fields }) };
  const away = openStore('mongodb://127.0.0.1:1/none?serverSelectionTimeoutMS=100', 'test');
  await new Audit(away.db, { keepDays: 1, log }).note({ actor: 'api', act: 'key_revoked', subject: 'key:x' });
  expect(said).toMatchObject([{ actor: 'api', act: 'key_revoked', subject: 'key:x' }]);
  await away.stop();
});

describe('the page of the keys', () => {
  test('makes one key of a form that is sent twice, and rotates once', async () => {
    const form = { id: 'abcdef012345', name: 'twice', scopes: 'send' };
    expect((await admin.submit('/keys', form)).status).toBe(200);
    const again = await admin.submit('/keys', form);
    expect([again.status, again.text.includes('of a key that was just made')]).toEqual([422, true]);
    const rotation = { grace: '3600', seen: '' };
    expect((await admin.submit('/keys/abcdef012345/rotate', rotation)).status).toBe(200);
    expect((await admin.submit('/keys/abcdef012345/rotate', rotation)).status).toBe(404);
  });
  test('says what is wrong beside the field, and keeps what was typed', async () => {
    const bad = await admin.submit('/keys', {
      name: '',
      allow_from: 'home',
      per_second: 'many',
      expires_at: '',
    });
    expect(bad.status).toBe(422);
    expect(bad.text).toContain('Name is required');
    expect(bad.text).toContain('What it may do must hold at least one scope');
    expect(bad.text).toContain('must be an IP address');
    expect(bad.text).toContain('value="many"');
  });
  test('shows a key once', async () => {
    const made = await admin.submit('/keys', { name: 'once', scopes: 'read' });
    const key = /tidk_[0-9a-f]{12}_[\w-]{43}/.exec(made.text)?.[0] ?? '';
    expect(key).not.toBe('');
    expect((await admin.open('/keys')).text).not.toContain(key);
    expect((await producer.call('GET', '/stats', undefined, { authorization: `Bearer ${key}` })).status).toBe(
      200,
    );
  });
});
