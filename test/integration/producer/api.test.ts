import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { request } from 'node:http';
import { createServer, connect as connectSocket } from 'node:net';
import { PROBLEMS, problemSchema } from '../../../shared/contracts/index.ts';
import { notificationsOf, openStore, type Notifications, type Store } from '../../../shared/store/index.ts';
import { TcpProxy } from '../../../infra/chaos/tcp-proxy.ts';
import { createInAppChannel } from '../../../services/in-app/channel.ts';
import type { Service } from '../../../shared/runtime/service.ts';
import {
  callApi,
  startTestChannel,
  startTestProducer,
  testConfig,
  type TestProducer,
} from '../../support/fleet.ts';
import { aRecord } from '../../support/records.ts';
import { createTestServers, mongoAt, type TestServers } from '../../support/servers.ts';
import { until } from '../../support/until.ts';

let servers: TestServers;
let producer: TestProducer;
let inApp: Service;
let store: Store;
let notifications: Notifications;
const mail = { user_id: 'u1', type: 'email', email: 'a@example.org', subject: 'Hi', message: 'Hello' };

beforeAll(async () => {
  servers = await createTestServers();
  const config = testConfig(servers);
  producer = await startTestProducer(config);
  inApp = await startTestChannel(config, createInAppChannel());
  store = openStore(servers.mongoUri, 'test');
  notifications = notificationsOf(store.db);
});
afterAll(async () => {
  await producer.stop();
  await inApp.stop();
  await store.stop();
  await servers.drop();
});

/** A call as /openapi.json describes it. */
interface DocumentedCall {
  operationId: string;
  parameters?: { name: string }[];
  responses: Record<
    string,
    {
      headers?: object;
      links?: Record<string, { operationId: string; parameters: Record<string, string> }>;
    }
  >;
}

const count = () => notifications.countDocuments();

describe('the key', () => {
  test.each([
    ['none', ''],
    ['another one', 'Bearer wrong-wrong-wrong-wrong'],
    ['a basic login', 'Basic YTpi'],
  ])('%s: 401, before the body is looked at', async (_what, authorization) => {
    const answer = await producer.call('POST', '/v1/notifications', '{bad', { authorization });
    expect(answer.status).toBe(401);
    expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer/);
    expect(problemSchema.parse(answer.json).code).toBe('unauthorized');
  });
  test('is asked for on unknown addresses under /v1, and for the stats as JSON', async () => {
    expect((await producer.call('GET', '/v1/nothing', undefined, { authorization: '' })).status).toBe(401);
    expect((await producer.call('GET', '/v1/nothing')).status).toBe(404);
    expect((await producer.call('GET', '/stats', undefined, { authorization: '' })).status).toBe(401);
  });
});

describe('accepting', () => {
  test('answers 202 with id and state, and the record is there at once', async () => {
    const answer = await producer.call('POST', '/v1/notifications', mail);
    expect(answer.status).toBe(202);
    expect(answer.json).toEqual({ id: expect.any(String) as string, status: 'pending' });
    expect(answer.headers.get('location')).toBe(`/v1/notifications/${String(answer.json.id)}`);
    expect(await notifications.findOne({ _id: String(answer.json.id) })).toMatchObject({
      ...mail,
      caller: 'api',
    });
  });
  test('a send_at to come is scheduled', async () => {
    const send_at = new Date(Date.now() + 3_600_000).toISOString();
    const { json } = await producer.call('POST', '/v1/notifications', { ...mail, send_at });
    expect(json.status).toBe('scheduled');
    const { json: record } = await producer.call('GET', `/v1/notifications/${String(json.id)}`);
    expect(record).toMatchObject({ status: 'scheduled', send_at, next_retry_time: send_at });
  });
  test('a body with troubles gets 400 that names each field, and nothing is stored', async () => {
    const before = await count();
    const bad = { user_id: '', type: 'email', subject: 'a\r\nb', message: 7, email: 'x', nope: 1 };
    const answer = await producer.call('POST', '/v1/notifications', bad);
    expect(answer.status).toBe(400);
    expect(answer.headers.get('content-type')).toMatch('application/problem+json');
    const { errors } = problemSchema.parse(answer.json);
    expect(errors?.map(({ field }) => field).sort()).toEqual([
      'email',
      'message',
      'nope',
      'subject',
      'user_id',
    ]);
    expect(await count()).toBe(before);
  });
  test.each([
    ['malformed JSON', '{"a":', {}, 400, 'malformed_json'],
    ['no JSON object', '[]', {}, 400, 'validation_failed'],
    [
      'another media type',
      'a=b',
      { 'content-type': 'application/x-www-form-urlencoded' },
      415,
      'unsupported_media_type',
    ],
    [
      'a bad Idempotency-Key',
      JSON.stringify(mail),
      { 'idempotency-key': 'k'.repeat(300) },
      400,
      'validation_failed',
    ],
  ])('%s is refused, and nothing is stored', async (_what, body, headers, status, code) => {
    const before = await count();
    const answer = await producer.call('POST', '/v1/notifications', body, headers);
    expect([answer.status, answer.json.code]).toEqual([status, code]);
    expect(await count()).toBe(before);
  });
  test.each([
    ['a send_at whose zone leads into the year 10000', { send_at: '9999-12-31T23:59:59-01:00' }, 'send_at'],
    ['a send_at whose zone leads before the year 0', { send_at: '0000-01-01T00:00:00+01:00' }, 'send_at'],
    ['an expires_at after the year 9999', { expires_at: '9999-12-31T23:59:59-01:00' }, 'expires_at'],
    ['data that the driver takes for a type of its own', { data: { a: [{ _bsontype: 'Long' }] } }, 'data'],
  ])('%s is refused, alone and in a batch', async (_what, more, field) => {
    const alone = await producer.call('POST', '/v1/notifications', { ...mail, ...more });
    expect([alone.status, problemSchema.parse(alone.json).errors?.[0]?.field]).toEqual([400, field]);
    const batch = await producer.call('POST', '/v1/notifications/batch', {
      notifications: [mail, { ...mail, ...more }],
    });
    expect(batch.json).toMatchObject({ accepted: [{ index: 0 }], rejected: [{ index: 1 }] });
  });
  test.each(['0000-01-01T00:00:00Z', '9999-12-31T23:59:59.999Z'])(
    'a send_at of %s, the edge, can be read back, and lists show it',
    async (send_at) => {
      const { json } = await producer.call('POST', '/v1/notifications', { ...mail, send_at });
      const record = await producer.call('GET', `/v1/notifications/${String(json.id)}`);
      expect(new Date(String(record.json.send_at))).toEqual(new Date(send_at));
      expect((await producer.call('GET', '/v1/notifications')).status).toBe(200);
    },
  );
  test('a body over the limit gets 413, which a client that is still sending gets to read', async () => {
    const before = await count();
    const answer = await producer.call('POST', '/v1/notifications', {
      ...mail,
      message: 'x'.repeat(20_000_000),
    });
    expect([answer.status, answer.json.code]).toEqual([413, 'body_too_large']);
    expect(await count()).toBe(before);
  });
});

describe('an idempotency key', () => {
  test('50 times at once makes one notification, and all get its id', async () => {
    const headers = { 'idempotency-key': 'order-1' };
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => producer.call('POST', '/v1/notifications', mail, headers)),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]));
    expect(new Set(answers.map(({ json }) => json.id)).size).toBe(1);
    expect(answers.filter((one) => one.headers.get('idempotency-replayed') === 'true')).toHaveLength(49);
  });
  test('with the same body in another order of keys is a replay; with another body 422', async () => {
    const headers = { 'idempotency-key': 'order-2' };
    await producer.call('POST', '/v1/notifications', mail, headers);
    const reversed = Object.fromEntries(Object.entries(mail).reverse());
    const replay = await producer.call('POST', '/v1/notifications', reversed, headers);
    expect([replay.status, replay.headers.get('idempotency-replayed')]).toEqual([202, 'true']);
    await notifications.updateOne({ _id: String(replay.json.id) }, { $set: { status: 'canceled' } });
    const later = await producer.call('POST', '/v1/notifications', mail, headers);
    expect(later.json).toEqual(replay.json);
    const other = await producer.call('POST', '/v1/notifications', { ...mail, message: 'Other' }, headers);
    expect([other.status, other.json.code]).toEqual([422, 'idempotency_conflict']);
  });
});

describe('a batch', () => {
  test('accepts and rejects item by item, and repeats as a whole under its key', async () => {
    const headers = { 'idempotency-key': 'batch-1' };
    const body = { notifications: [mail, { ...mail, email: 'bad' }, 5, { ...mail, idempotency_key: 'own' }] };
    const first = await producer.call('POST', '/v1/notifications/batch', body, headers);
    expect(first.status).toBe(202);
    const { accepted, rejected } = first.json as {
      accepted: { index: number }[];
      rejected: { index: number; errors: { field: string }[] }[];
    };
    expect(accepted.map(({ index }) => index)).toEqual([0, 3]);
    expect(rejected.map(({ index, errors }) => [index, errors[0]?.field])).toEqual([
      [1, 'email'],
      [2, 'body'],
    ]);
    const second = await producer.call('POST', '/v1/notifications/batch', body, headers);
    expect(second.json.accepted).toEqual(first.json.accepted);
  });
  describe('repeated under its key', () => {
    const toGrace = { ...mail, email: 'grace@example.org', message: 'B' };
    const toAlan = { ...mail, email: 'alan@example.org', message: 'C' };
    const refused = { ...mail, email: 'not an address', message: 'A' };
    /** The ids that a batch was answered, in the order of its items; undefined for one that was refused. */
    async function idsOf(key: string, notifications: object[]): Promise<(string | undefined)[]> {
      const headers = { 'idempotency-key': key };
      const { json } = await producer.call('POST', '/v1/notifications/batch', { notifications }, headers);
      const accepted = json.accepted as { index: number; id: string }[];
      return notifications.map((_, n) => accepted.find(({ index }) => index === n)?.id);
    }

    test.each([
      ['the refused item removed', [toGrace, toAlan]],
      ['the refused item corrected', [{ ...refused, email: 'ada@example.org' }, toGrace, toAlan]],
      ['its items in another order', [toAlan, refused, toGrace]],
      ['an item added before the others', [{ ...mail, message: 'D' }, refused, toGrace, toAlan]],
    ])('with %s sends nothing twice and refuses nothing else', async (change, repeated) => {
      const key = `batch with ${change}`;
      const [, grace, alan] = await idsOf(key, [refused, toGrace, toAlan]);
      const again = await idsOf(key, repeated);
      expect(again[repeated.indexOf(toGrace)]).toBe(grace);
      expect(again[repeated.indexOf(toAlan)]).toBe(alan);
      const others = repeated.filter((item) => item !== refused).length;
      expect(again.filter((id) => id !== undefined)).toHaveLength(others);
      expect(await notifications.countDocuments({ idempotency_key: { $regex: `^${key}:` } })).toBe(others);
    });
    test('counts equal items as several', async () => {
      const first = await idsOf('equal items', [toGrace, toGrace]);
      expect(new Set(first).size).toBe(2);
      expect(await idsOf('equal items', [toGrace, toGrace])).toEqual(first);
    });
  });
  test('of 1 000 is answered by the place of each, and repeats as a whole', async () => {
    const notifications = Array.from({ length: 1_000 }, (_, index) =>
      index === 700 ? { ...mail, email: 'bad' } : { ...mail, message: `number ${index}` },
    );
    const send = () =>
      producer.call('POST', '/v1/notifications/batch', { notifications }, { 'idempotency-key': 'thousand' });
    // On a busy machine it may take longer than a caller waits: then it is repeated, as the 503 says.
    const answered = () =>
      until(async () => {
        const { status, json } = await send();
        return status === 202 && (json as Record<string, { index: number; id: string }[]>);
      }, 20_000);
    const { accepted, rejected } = await answered();
    expect(rejected?.map(({ index }) => index)).toEqual([700]);
    expect(accepted?.map(({ index }) => index)).toEqual([...Array(1_000).keys()].filter((n) => n !== 700));
    expect(new Set(accepted?.map(({ id }) => id)).size).toBe(999);
    expect((await answered()).accepted).toEqual(accepted);
  });
  test('of more than 1 000 is refused', async () => {
    const answer = await producer.call('POST', '/v1/notifications/batch', {
      notifications: Array(1001).fill(mail),
    });
    expect([answer.status, answer.json.code]).toEqual([400, 'validation_failed']);
  });
});

describe('steering', () => {
  test('cancel, retry and resolve say which state forbids them', async () => {
    const sent = aRecord({ status: 'sent' });
    await notifications.insertOne(sent);
    for (const action of ['cancel', 'retry']) {
      const answer = await producer.call('POST', `/v1/notifications/${sent._id}/${action}`);
      expect([answer.status, answer.json.state]).toEqual([409, 'sent']);
    }
    const resolve = await producer.call('POST', `/v1/notifications/${sent._id}/resolve`, { outcome: 'sent' });
    expect([resolve.status, resolve.json.state]).toEqual([409, 'sent']);
    expect((await producer.call('POST', '/v1/notifications/nobody/cancel')).status).toBe(404);
  });
  test('a scheduled one is canceled, an unknown outcome resolved', async () => {
    const scheduled = aRecord({ status: 'scheduled', next_retry_time: new Date(Date.now() + 60_000) });
    const unknown = aRecord({ status: 'outcome_unknown' });
    await notifications.insertMany([scheduled, unknown]);
    expect((await producer.call('POST', `/v1/notifications/${scheduled._id}/cancel`)).json.status).toBe(
      'canceled',
    );
    const answer = await producer.call('POST', `/v1/notifications/${unknown._id}/resolve`, {
      outcome: 'failed',
    });
    expect([answer.status, answer.json.status]).toEqual([202, 'failed_permanently']);
  });
  test('dead letters are browsed by filter; a dry run changes nothing; a discard needs its reason', async () => {
    const error = { code: '599', reason: 'x', provider: 'smtp' };
    const dead = [
      aRecord({ status: 'failed_permanently', error }),
      aRecord({ status: 'failed_permanently', error }),
    ];
    await notifications.insertMany(dead);
    const list = await producer.call('GET', '/v1/dead-letters?code=599');
    expect((list.json.notifications as unknown[]).length).toBe(2);
    const filter = { code: '599' };
    const dry = await producer.call('POST', '/v1/dead-letters/retry', { filter, dry_run: true });
    expect(dry.json).toEqual({ matched: 2, changed: 0, dry_run: true });
    expect((await producer.call('POST', '/v1/dead-letters/discard', { filter })).status).toBe(400);
    const gone = await producer.call('POST', '/v1/dead-letters/discard', { filter, reason: 'test' });
    expect(gone.json).toEqual({ matched: 2, changed: 2, dry_run: false });
  });
});

describe('the inbox', () => {
  test('shows what was delivered, counts the unread, and marks as read', async () => {
    const post = (message: string) =>
      producer.call('POST', '/v1/notifications', { user_id: 'ada', type: 'in_app', message });
    const ids = [await post('one'), await post('two')].map(({ json }) => String(json.id));
    const unread = async () =>
      (await producer.call('GET', '/v1/users/ada/notifications/unread_count')).json.unread_count;
    await until(async () => (await unread()) === 2);
    const read = await producer.call('POST', `/v1/users/ada/notifications/${ids[0] ?? ''}/read`);
    expect(read.json).toMatchObject({ id: ids[0], read_at: expect.any(String) as string });
    expect((await producer.call('POST', `/v1/users/eve/notifications/${ids[1] ?? ''}/read`)).status).toBe(
      404,
    );
    const list = await producer.call('GET', '/v1/users/ada/notifications?type=in_app&unread=true');
    expect((list.json.notifications as { id: string }[]).map(({ id }) => id)).toEqual([ids[1]]);
    expect((await producer.call('POST', '/v1/users/ada/notifications/read_all')).json).toEqual({
      changed: 1,
    });
    expect(await unread()).toBe(0);
  });
});

describe('every address', () => {
  test('takes its methods only, and says which', async () => {
    const { json } = await producer.call('GET', '/openapi.json');
    const paths = json.paths as Record<string, object>;
    for (const path of Object.keys(paths)) {
      const answer = await producer.call('PATCH', path.replace(/\{\w+\}/g, 'x'));
      expect([path, answer.status]).toEqual([path, 405]);
      const allowed = answer.headers.get('allow')?.toLowerCase().split(', ') ?? [];
      for (const method of Object.keys(paths[path] ?? {})) expect(allowed).toContain(method);
    }
  });
  test('the document describes every answer that the problems table has', async () => {
    const { text } = await producer.call('GET', '/openapi.json');
    const ofPages = ['signed_out', 'forbidden', 'too_many_requests'];
    for (const code of Object.keys(PROBLEMS).filter((one) => !ofPages.includes(one)))
      expect(text).toContain(code);
  });
  test.each([
    ['too long an address', { path: `/v1/notifications?error=${'x'.repeat(20_000)}` }, 431],
    ['an expectation that nobody knows', { headers: { expect: 'wonders' } }, 417],
  ])('%s: the server’s own answer, which is documented, too', async (_what, options, status) => {
    const { port } = new URL(producer.address);
    const answered = new Promise<number | undefined>((resolve, reject) => {
      request({ port, path: '/v1/notifications', ...options }, (response) => {
        response.resume();
        resolve(response.statusCode);
      })
        .once('error', reject)
        .end();
    });
    expect(await answered).toBe(status);
    const { json } = await producer.call('GET', '/openapi.json');
    for (const methods of Object.values(json.paths as Record<string, Record<string, DocumentedCall>>))
      for (const { responses } of Object.values(methods)) expect(responses).toHaveProperty(String(status));
  });
  test('the document says what a type needs, and which characters a field takes', async () => {
    const { json } = await producer.call('GET', '/openapi.json');
    const { NotificationRequest: schema } = (json.components as { schemas: Record<string, never> }).schemas;
    expect(schema).toMatchObject({
      properties: {
        user_id: { pattern: '^[^\\u0000-\\u001f\\u007f-\\u009f]*$' },
        email: { pattern: expect.stringContaining('@') as string },
      },
      allOf: [
        { if: { properties: { type: { const: 'email' } } }, then: { required: ['email'] } },
        { then: { required: ['phone'], properties: { message: { maxLength: 1_600 }, html: false } } },
        { if: { properties: { type: { const: 'in_app' } } }, then: { properties: { html: false } } },
      ],
    });
  });
  test('the document links calls that there are, by parameters that they take', async () => {
    const { json } = await producer.call('GET', '/openapi.json');
    const calls = Object.values(json.paths as Record<string, Record<string, DocumentedCall>>).flatMap(
      (methods) => Object.values(methods),
    );
    const links = calls.flatMap(({ responses }) =>
      Object.values(responses).flatMap((one) => Object.values(one.links ?? {})),
    );
    expect(links.length).toBeGreaterThan(10);
    for (const { operationId, parameters } of links) {
      const target = calls.find((one) => one.operationId === operationId);
      const names = target?.parameters?.map(({ name }) => name);
      expect(names).toEqual(expect.arrayContaining(Object.keys(parameters)));
    }
  });
  test('answers have the headers that the document says they have', async () => {
    const { json } = await producer.call('GET', '/openapi.json');
    const { post } =
      (json.paths as Record<string, Record<string, DocumentedCall>>)['/v1/notifications'] ?? {};
    const documented = (status: string) => Object.keys(post?.responses[status]?.headers ?? {});
    expect(documented('202')).toEqual(['Location', 'Idempotency-Replayed']);
    expect(documented('401')).toEqual(['WWW-Authenticate']);
    const refused = await producer.call('POST', '/v1/notifications', mail, { authorization: '' });
    expect(refused.headers.has('www-authenticate')).toBe(true);
  });
  test('a query with a bad value is refused by its name', async () => {
    const answer = await producer.call('GET', '/v1/notifications?limit=0&status=x&nope=1');
    const { errors } = problemSchema.parse(answer.json);
    expect(errors?.map(({ field }) => field).sort()).toEqual(['limit', 'nope', 'status']);
  });
  test('probes and documentation are open', async () => {
    for (const path of ['/healthz', '/readyz', '/docs', '/openapi.json', '/asyncapi.json'])
      expect((await producer.call('GET', path, undefined, { authorization: '' })).status).toBe(200);
  });
});

test('while RabbitMQ is away accepting goes on, and readiness says degraded', async () => {
  const config = { ...testConfig(servers), RABBITMQ_URL: 'amqp://127.0.0.1:1' };
  const lonely = await startTestProducer(config);
  const { json, status } = await lonely.call('POST', '/v1/notifications', mail);
  expect(status).toBe(202);
  expect(await notifications.findOne({ _id: String(json.id) })).toMatchObject({
    status: 'pending',
    unpublished: true,
  });
  const ready = await lonely.call('GET', '/readyz');
  expect([ready.status, ready.json.status]).toEqual([200, 'degraded']);
  await lonely.stop();
});

test.each(['refuses', 'hangs'])(
  'while MongoDB %s: 503 with Retry-After within 3 s, and not ready',
  async (how) => {
    const hole = createServer((socket) => socket.on('error', () => undefined));
    await new Promise<void>((resolve) => hole.listen(0, '127.0.0.1', resolve));
    const address = hole.address();
    const port = how === 'hangs' && typeof address === 'object' && address ? address.port : 1;
    const lonely = await startTestProducer({
      ...testConfig(servers),
      MONGO_URI: `mongodb://127.0.0.1:${port}/x`,
    });
    for (const [method, path, body] of [
      ['POST', '/v1/notifications', mail],
      ['GET', '/v1/notifications', undefined],
    ] as const) {
      const startedAt = Date.now();
      const answer = await lonely.call(method, path, body);
      expect([answer.status, answer.json.code]).toEqual([503, 'store_unavailable']);
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
      expect(Date.now() - startedAt).toBeLessThan(3_000);
    }
    expect((await lonely.call('GET', '/readyz')).status).toBe(503);
    await lonely.stop();
    hole.close();
  },
);

test('a producer that starts before MongoDB works as soon as MongoDB is there', async () => {
  const { hostname, port } = new URL(servers.mongoUri.replace('mongodb:', 'http:'));
  const proxy = createServer((client) => {
    const server = connectSocket(Number(port), hostname);
    client.on('error', () => server.destroy()).pipe(server);
    server.on('error', () => client.destroy()).pipe(client);
  });
  // The port is known, and nobody listens on it yet.
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  const address = proxy.address();
  const later = typeof address === 'object' ? (address?.port ?? 0) : 0;
  await new Promise((resolve) => proxy.close(resolve));
  const uri = mongoAt(later, servers.mongoUri);
  const early = await startTestProducer({ ...testConfig(servers), MONGO_URI: uri });
  expect((await early.call('POST', '/v1/notifications', mail)).status).toBe(503);
  await new Promise<void>((resolve) => proxy.listen(later, '127.0.0.1', resolve));
  await until(async () => (await early.call('POST', '/v1/notifications', mail)).status === 202);
  await early.stop();
  proxy.close();
});

test('what was answered 503 before its turn is not stored behind its caller’s back', async () => {
  const mongo = new URL(servers.mongoUri.replace('mongodb:', 'http:'));
  const proxy = await TcpProxy.start(Number(mongo.port));
  const uri = mongoAt(proxy.port, servers.mongoUri);
  const cut = await startTestProducer({ ...testConfig(servers), MONGO_URI: uri });
  const post = (key: string) => cut.call('POST', '/v1/notifications', mail, { 'idempotency-key': key });
  await until(async () => (await post('turn-0')).status === 202);
  proxy.be({ loseUpstream: true });
  const first = post('turn-1');
  await new Promise((resolve) => setTimeout(resolve, 100));
  const second = post('turn-2');
  expect([(await first).status, (await second).status]).toEqual([503, 503]);
  proxy.be();
  proxy.reset();
  await until(async () => (await post('turn-3')).status === 202);
  expect(await notifications.findOne({ idempotency_key: 'turn-2' })).toBeNull();
  await cut.stop();
  await proxy.stop();
});

test('a producer that stops says so while it serves on: 503 on /readyz, and no connection is kept', async () => {
  const leaving = await startTestProducer(testConfig(servers, { DRAIN_NOTICE_SECONDS: '2' }));
  const stopping = leaving.stop();
  const ready = await fetch(`${leaving.address}/readyz`);
  expect([ready.status, ready.headers.get('connection')]).toEqual([503, 'close']);
  expect(((await ready.json()) as { checks: { serving: object } }).checks.serving).toMatchObject({
    ok: false,
  });
  const answer = await leaving.call('POST', '/v1/notifications', mail);
  expect([answer.status, answer.headers.get('connection')]).toEqual([202, 'close']);
  await stopping;
  await expect(fetch(`${leaving.address}/readyz`)).rejects.toThrow();
});

test('a client that ends in the middle of its body harms nobody', async () => {
  const { port } = new URL(producer.address);
  const socket = connectSocket(Number(port), '127.0.0.1');
  const head = `POST /v1/notifications HTTP/1.1\r\nhost: x\r\nauthorization: Bearer a-key-for-the-tests-only\r\ncontent-type: application/json\r\ncontent-length: 999\r\n\r\n{"us`;
  await new Promise<void>((resolve) =>
    socket.write(head, () => {
      resolve();
    }),
  );
  socket.destroy();
  expect((await callApi(producer.address, 'GET', '/healthz')).status).toBe(200);
});
