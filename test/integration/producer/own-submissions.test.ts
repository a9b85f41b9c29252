import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { notificationsOf, openStore, type Notifications, type Store } from '../../../shared/store/index.ts';
import { accountWithPassword, aKey, ApiClient, holderOf, PASSWORD } from '../../support/api-client.ts';
import { startTestProducer, testConfig, type TestProducer } from '../../support/fleet.ts';
import { aRecord } from '../../support/records.ts';
import { createTestServers, type TestServers } from '../../support/servers.ts';

const USER = 'u1';
let servers: TestServers;
let producer: TestProducer;
let store: Store;
let notifications: Notifications;
/** Its own two notifications of the person are in the store, and two of another key. */
let shop: { client: ApiClient; actor: string };
let own: { dead: string; inbox: string };
let foreign: { dead: string; inbox: string };

beforeAll(async () => {
  servers = await createTestServers();
  producer = await startTestProducer(testConfig(servers));
  store = openStore(servers.mongoUri, 'test');
  notifications = notificationsOf(store.db);
});
beforeEach(async () => {
  await notifications.deleteMany({});
  const { id, key } = await aKey(producer, ['read', 'retry', 'send']);
  shop = { client: new ApiClient(producer.address, key), actor: `key:${id}` };
  own = await submittedBy(shop.actor);
  foreign = await submittedBy('key:of-somebody-else');
});
afterAll(async () => {
  await producer.stop();
  await store.stop();
  await servers.drop();
});

async function submittedBy(caller: string): Promise<{ dead: string; inbox: string }> {
  const dead = aRecord({
    caller,
    user_id: USER,
    status: 'failed_permanently',
    message: `code for ${caller}`,
  });
  const inbox = aRecord({
    caller,
    user_id: USER,
    type: 'in_app',
    status: 'sent',
    sent_at: new Date(),
    unread: true,
  });
  await notifications.insertMany([dead, inbox]);
  return { dead: dead._id, inbox: inbox._id };
}

const idsOf = (json: Record<string, unknown>): string[] =>
  (json.notifications as { id: string }[]).map(({ id }) => id).sort();
const sorted = (...ids: string[]): string[] => ids.sort();
const statusOf = async (id: string): Promise<unknown> => (await notifications.findOne({ _id: id }))?.status;

describe('a key with read and retry', () => {
  test.each([
    ['/v1/notifications', () => sorted(own.dead, own.inbox)],
    [`/v1/notifications?user_id=${USER}`, () => sorted(own.dead, own.inbox)],
    ['/v1/notifications?status=failed_permanently', () => [own.dead]],
    ['/v1/dead-letters', () => [own.dead]],
    [`/v1/users/${USER}/notifications`, () => sorted(own.dead, own.inbox)],
  ])('sees in %s what it has submitted', async (path, expected) => {
    const { json } = await shop.client.call('GET', path);
    expect(idsOf(json)).toEqual(expected());
  });
  test('is answered alike for a notification of another one and for none', async () => {
    const calls = [
      ['GET', ''],
      ['POST', '/retry'],
      ['POST', '/cancel'],
      ['POST', '/resolve'],
    ] as const;
    for (const [method, act] of calls) {
      const body = act === '/resolve' ? { outcome: 'sent' } : undefined;
      const answers = await Promise.all(
        [foreign.dead, 'none'].map((id) => shop.client.call(method, `/v1/notifications/${id}${act}`, body)),
      );
      expect(answers.map(({ status }) => status)).toEqual([404, 404]);
      expect(answers[0]?.text).toBe(answers[1]?.text);
    }
    expect(await statusOf(foreign.dead)).toBe('failed_permanently');
  });
  test('retries what it has submitted', async () => {
    expect((await shop.client.call('POST', `/v1/notifications/${own.dead}/retry`)).status).toBe(202);
  });
  test.each(['retry', 'discard'])('reaches with a bulk %s its own dead letters only', async (act) => {
    for (const filter of [{}, { ids: [own.dead, foreign.dead] }, { user_id: USER }]) {
      await notifications.updateMany({ _id: own.dead }, { $set: { status: 'failed_permanently' } });
      const body = { filter, ...(act === 'discard' && { reason: 'test' }) };
      const dry = await shop.client.call('POST', `/v1/dead-letters/${act}`, { ...body, dry_run: true });
      expect(dry.json.matched).toBe(1);
      expect((await shop.client.call('POST', `/v1/dead-letters/${act}`, body)).json).toMatchObject({
        changed: 1,
      });
    }
    expect(await statusOf(foreign.dead)).toBe('failed_permanently');
  });
  test('counts and marks in an inbox what it has submitted', async () => {
    const inbox = `/v1/users/${USER}/notifications`;
    expect((await shop.client.call('GET', `${inbox}/unread_count`)).json).toEqual({ unread_count: 1 });
    expect((await shop.client.call('POST', `${inbox}/${foreign.inbox}/read`)).status).toBe(404);
    expect((await shop.client.call('POST', `${inbox}/read_all`)).json).toEqual({ changed: 1 });
    expect(await notifications.countDocuments({ _id: foreign.inbox, unread: true })).toBe(1);
  });
  test('may not list or lift suppressions, nor issue a token for an inbox', async () => {
    expect((await shop.client.call('GET', '/v1/suppressions')).status).toBe(403);
    expect((await shop.client.call('DELETE', '/v1/suppressions/email/a@example.org')).status).toBe(403);
    expect((await shop.client.call('POST', `/v1/users/${USER}/token`)).status).toBe(403);
  });
  test('keeps what it sees when it is rotated', async () => {
    const id = shop.actor.replace('key:', '');
    const { json } = await producer.call('POST', `/v1/keys/${id}/rotate`, {});
    const rotated = new ApiClient(producer.address, String(json.key));
    expect((await rotated.call('GET', `/v1/notifications/${own.dead}`)).status).toBe(200);
  });
});

test('send:in_app alone marks nothing, and shows nothing', async () => {
  const sender = await holderOf(producer, 'send:in_app');
  for (const path of [`${foreign.inbox}/read`, 'read_all'])
    expect((await sender.call('POST', `/v1/users/${USER}/notifications/${path}`)).status).toBe(403);
});

describe('everything', () => {
  const all = () => sorted(own.dead, own.inbox, foreign.dead, foreign.inbox);
  test('is seen with read:all, and retried with retry:all', async () => {
    const reader = await holderOf(producer, 'read:all');
    expect(idsOf((await reader.call('GET', '/v1/notifications')).json)).toEqual(all());
    expect((await reader.call('GET', `/v1/notifications/${foreign.dead}`)).status).toBe(200);
    expect((await reader.call('POST', `/v1/notifications/${foreign.dead}/retry`)).status).toBe(403);
    const operator = await holderOf(producer, 'retry:all');
    expect((await operator.call('POST', `/v1/notifications/${foreign.dead}/retry`)).status).toBe(202);
    expect((await operator.call('GET', '/v1/notifications')).status).toBe(403);
  });
  test('is seen by viewers and operators, and retried by operators', async () => {
    for (const role of ['viewer', 'operator'] as const) {
      await accountWithPassword(servers.mongoUri, role);
      const body = { username: role, password: PASSWORD };
      const { json } = await producer.call('POST', '/v1/auth/token', body, { authorization: '' });
      const client = new ApiClient(producer.address, String(json.access_token));
      expect(idsOf((await client.call('GET', '/v1/notifications')).json)).toEqual(all());
      const { status } = await client.call('POST', `/v1/notifications/${foreign.dead}/retry`);
      expect(status).toBe(role === 'operator' ? 202 : 403);
    }
  });
  test('that is one person’s reaches the person by a token, whoever has submitted it', async () => {
    const { json } = await producer.call('POST', `/v1/users/${USER}/token`);
    const person = new ApiClient(producer.address, String(json.access_token));
    const inbox = `/v1/users/${USER}/notifications`;
    expect(idsOf((await person.call('GET', inbox)).json)).toEqual(sorted(own.inbox, foreign.inbox));
    expect((await person.call('POST', `${inbox}/${foreign.inbox}/read`)).status).toBe(200);
    expect((await person.call('POST', `${inbox}/read_all`)).json).toEqual({ changed: 1 });
  });
});

describe('read_all with up_to', () => {
  const at = (seconds: number): Date => new Date(Date.UTC(2030, 0, 1, 9, 0, seconds));
  const inbox = `/v1/users/${USER}/notifications`;
  const arriving = async (seconds: number): Promise<string> => {
    const record = aRecord({
      user_id: USER,
      type: 'in_app',
      status: 'sent',
      sent_at: at(seconds),
      unread: true,
    });
    await notifications.insertOne(record);
    return record._id;
  };
  const unread = async (): Promise<string[]> =>
    (await notifications.find({ unread: true }).toArray()).map(({ _id }) => _id);

  beforeEach(() => notifications.deleteMany({}));

  test('marks what was there at a time, and at the arrival of a notification', async () => {
    // Accepted first and delivered last: it was not in the inbox when the person looked.
    const scheduled = await arriving(30);
    const [first, second] = [await arriving(10), await arriving(20)];
    const third = await arriving(25);
    const asOf = { up_to: '2030-01-01T11:00:10+02:00' };
    expect((await producer.call('POST', `${inbox}/read_all`, asOf)).json).toEqual({ changed: 1 });
    expect((await unread()).sort()).toEqual(sorted(scheduled, second, third));
    expect((await producer.call('POST', `${inbox}/read_all`, { up_to: second })).json).toEqual({
      changed: 1,
    });
    expect((await unread()).sort()).toEqual(sorted(scheduled, third));
    expect((await producer.call('POST', `${inbox}/read_all`, { up_to: first })).json).toEqual({ changed: 0 });
    expect((await producer.call('POST', `${inbox}/read_all`, {})).json).toEqual({ changed: 2 });
  });
  test.each([
    [{ up_to: 'none' }, 'up_to'],
    [{ up_to: '2030-01-01' }, 'up_to'],
    [{ up_to: 5 }, 'up_to'],
    [{ up_to: '' }, 'up_to'],
    [{ upto: '2030-01-01T09:00:00Z' }, 'upto'],
  ])('refuses %j, and marks nothing', async (body, field) => {
    await arriving(10);
    const { status, json } = await producer.call('POST', `${inbox}/read_all`, body);
    expect([status, json.errors]).toMatchObject([400, [{ field }]]);
    expect(await unread()).toHaveLength(1);
  });
  test('refuses a notification of another person’s inbox', async () => {
    const id = await arriving(10);
    const { status } = await producer.call('POST', '/v1/users/u2/notifications/read_all', { up_to: id });
    expect(status).toBe(400);
  });
});
