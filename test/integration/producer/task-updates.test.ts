import { io, type Socket } from 'socket.io-client';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { UpdatesMissed } from '../../../docs/examples/task-updates/task-updates.service.ts';
import type { TaskUpdate } from '../../../shared/contracts/index.ts';
import { openStore, type Store } from '../../../shared/store/index.ts';
import { ApiClient, aKey, holderOf } from '../../support/api-client.ts';
import {
  API_KEY,
  startTestProducer,
  testConfig,
  type Answer,
  type TestProducer,
} from '../../support/fleet.ts';
import {
  exampleService,
  listenTo,
  openRawStream,
  plainSocketListener,
  type RawStream,
  type TaskListener,
} from '../../support/listeners.ts';
import { rawRequest } from '../../support/raw-request.ts';
import { createTestServers, type TestServers } from '../../support/servers.ts';
import { until } from '../../support/until.ts';

const ORIGIN = 'http://localhost:4200';
let servers: TestServers;
let store: Store;
let producer: TestProducer;
let other: TestProducer;
/** What each test opened. */
const open: { stop: () => void }[] = [];

beforeAll(async () => {
  servers = await createTestServers();
  store = openStore(servers.mongoUri, 'test');
  const config = testConfig(servers, { ALLOWED_ORIGINS: `${ORIGIN},https://app.example.org` });
  [producer, other] = await Promise.all([startTestProducer(config), startTestProducer(config)]);
});
afterEach(() => {
  for (const one of open.splice(0)) one.stop();
});
afterAll(async () => {
  await Promise.all([producer.stop(), other.stop()]);
  await store.stop();
  await servers.drop();
});

const body = (task_id: string) => ({ task_id, user_email: 'test@example.com' });
const update = (task_id: string, at = producer, headers?: Record<string, string>): Promise<Answer> =>
  at.call('POST', '/update_task', body(task_id), headers);
const tasksOf = ({ heard }: TaskListener): string[] => heard.map(({ task_id }) => task_id);
const openedWith = <T extends { stop: () => void }>(one: T): T => {
  open.push(one);
  return one;
};
const rawStream = async (...given: Parameters<typeof openRawStream>): Promise<RawStream> =>
  openedWith(await openRawStream(...given));
const kept = () => store.db.collection<TaskUpdate>('task_updates');
const newest = async (): Promise<number> => (await kept().find().sort({ _id: -1 }).limit(1).next())?._id ?? 0;

/** Resolves when new listeners hear what comes from now on. */
async function untilListening(...listeners: TaskListener[]): Promise<void> {
  await until(async () => {
    await update('warm-up');
    return listeners.every(({ heard }) => heard.length > 0);
  });
  const last = String(await newest());
  await until(() => listeners.every(({ heard }) => heard.at(-1)?.id === last));
  for (const { heard } of listeners) heard.length = 0;
}

/** How many streams the producer says it has open. */
async function openStreams(by: string): Promise<number> {
  const { text } = await producer.call('GET', '/metrics');
  return Number(new RegExp(`^tidings_open_streams{by="${by}"} (\\d+)$`, 'm').exec(text)?.[1]);
}

/** Connects by Socket.IO with this to say who it is; answers how the server took it. */
async function connectWith(
  auth: Record<string, unknown>,
  more: Parameters<typeof io>[1] = {},
): Promise<{ socket: Socket; refusal?: { status: number; code: string; detail?: string } }> {
  const socket = io(producer.address, { auth, forceNew: true, reconnection: false, ...more });
  openedWith({ stop: () => socket.disconnect() });
  return new Promise((resolve) => {
    socket.once('connect', () => {
      resolve({ socket });
    });
    socket.once('connect_error', (error: Error & { data?: { status: number; code: string } }) => {
      resolve({ socket, refusal: error.data ?? { status: 0, code: error.message } });
    });
  });
}

describe('POST /update_task', () => {
  test('answers what the document says, and the person gets an e-mail', async () => {
    const { status, text, headers } = await update('123');
    expect([status, text]).toEqual([
      200,
      '{"status":"task updated, notification will be sent asynchronously"}',
    ]);
    const { json } = await producer.call('GET', headers.get('location') ?? '');
    expect(json).toMatchObject({
      type: 'email',
      user_id: 'test@example.com',
      email: 'test@example.com',
      subject: 'Task 123 was updated',
      data: { task_id: '123' },
    });
  });

  test('repeated with the same key it is one update, and another task under that key is refused', async () => {
    const headers = { 'idempotency-key': 'update-1' };
    const [first, second] = [await update('once', producer, headers), await update('once', other, headers)];
    expect([first.status, second.status]).toEqual([200, 200]);
    expect(second.headers.get('idempotency-replayed')).toBe('true');
    expect(second.headers.get('location')).toBe(first.headers.get('location'));
    expect(await kept().countDocuments({ task_id: 'once' })).toBe(1);
    expect((await update('twice', producer, headers)).json).toMatchObject({ code: 'idempotency_conflict' });
  });

  test('names each field that needs another value', async () => {
    const { status, json } = await producer.call('POST', '/update_task', { task_id: 'a\nb', email: 'x' });
    expect(status).toBe(400);
    expect(json.errors).toEqual([
      { field: 'task_id', message: expect.stringContaining('one line') as string },
      { field: 'user_email', message: 'is required' },
      { field: 'email', message: 'is not a known field' },
    ]);
  });

  test('needs the right to send e-mail; a refused one is no update', async () => {
    const before = await newest();
    const wrong = await holderOf(producer, 'send:sms', 'read');
    expect((await wrong.call('POST', '/update_task', body('1'))).json).toMatchObject({ code: 'forbidden' });
    expect((await new ApiClient(producer.address).call('POST', '/update_task', body('1'))).status).toBe(401);
    expect(await newest()).toBe(before);
    const right = await holderOf(producer, 'send:email');
    expect((await right.call('POST', '/update_task', body('1'))).status).toBe(200);
  });

  test('of many at once, each is one update', async () => {
    const names = Array.from({ length: 200 }, (_, index) => `many-${index}`);
    await Promise.all(names.map((name, index) => update(name, index % 2 ? producer : other)));
    const found = await kept()
      .find({ task_id: /^many-/ })
      .toArray();
    expect(new Set(found.map(({ task_id }) => task_id))).toEqual(new Set(names));
    expect(found).toHaveLength(names.length);
  });
});

describe('clients that we did not write', () => {
  test('hear of each update once and in order, whichever producer got it, sooner than anybody would ask for it', async () => {
    const listeners = [
      openedWith(await plainSocketListener(producer.address)),
      openedWith(listenTo(exampleService(producer.address).bySocket())),
      openedWith(listenTo(exampleService(producer.address).byEventStream())),
    ];
    await untilListening(...listeners);

    // The other producer's come by RabbitMQ. If they were only asked for, each would take up to five seconds.
    const begunAt = performance.now();
    const names = ['a', 'b', 'c', 'd', 'e', 'f'];
    for (const [index, name] of names.entries()) {
      expect((await update(name, other)).status).toBe(200);
      await until(() => listeners.every(({ heard }) => heard.length === index + 1));
    }
    expect(performance.now() - begunAt).toBeLessThan(12_000);
    for (const listener of listeners) expect(tasksOf(listener)).toEqual(names);
    const [first] = listeners[0]?.heard ?? [];
    expect(first).toMatchObject({ task_id: 'a', msg: 'Task a was updated' });
    expect(JSON.stringify(first)).not.toContain('example.com');
  });
});

describe('GET /task_updates', () => {
  test('is an event stream that begins with where it stands, and goes on from Last-Event-ID', async () => {
    const stream = await rawStream(producer.address);
    expect([stream.status, stream.headers.get('content-type')]).toEqual([200, 'text/event-stream']);
    expect(stream.headers.get('cache-control')).toBe('no-store, no-transform');
    const before = await newest();
    await until(() =>
      stream.text().includes(`event: last_event_id\nid: ${before}\ndata: {"id":"${before}"}\n\n`),
    );
    expect(stream.text()).toMatch(/^retry: 2000\n/);
    await update('s1');
    await until(() => stream.text().includes('"task_id":"s1"'));
    stream.stop();
    for (const name of ['s2', 's3']) await update(name, other);
    const again = await rawStream(other.address, { 'last-event-id': String(before + 1) });
    await until(() => again.text().includes('"task_id":"s3"'));
    const ids = [...again.text().matchAll(/^id: (\d+)\ndata: {"id":"\1","task_id"/gm)].map(([, id]) =>
      Number(id),
    );
    expect(ids).toEqual([before + 2, before + 3]);
    expect(again.text()).not.toContain('updates_missed');
  });

  test('with read shows a key the updates that it has made itself', async () => {
    const { key } = await aKey(producer, ['read', 'send:email']);
    const mine = new ApiClient(producer.address, key);
    const from = { 'last-event-id': String(await newest()) };
    const stream = await rawStream(producer.address, { authorization: `Bearer ${key}`, ...from });
    const { socket } = await connectWith({ token: key });
    const heard: string[] = [];
    socket.on('task_update', ({ task_id }: { task_id: string }) => heard.push(task_id));
    for (const name of ['theirs-1', 'theirs-2']) await update(name);
    expect((await mine.call('POST', '/update_task', body('mine'))).status).toBe(200);
    await until(() => stream.text().includes('"task_id":"mine"') && heard.length > 0);
    expect(stream.text()).not.toContain('theirs');
    expect(heard).toEqual(['mine']);
  });

  test('says what is no longer kept, and gives all of a store that the client does not know', async () => {
    await update('gone');
    await update('there');
    const last = await newest();
    await kept().deleteMany({ _id: { $lt: last } });
    const late = await rawStream(producer.address, { 'last-event-id': '1' });
    await until(() => late.text().includes('"task_id":"there"'));
    expect(late.text()).toContain(`event: updates_missed\ndata: {"after":"1","first":"${last}"}\n\n`);
    const stranger = await rawStream(producer.address, { 'last-event-id': String(last + 1_000) });
    await until(() => stranger.text().includes('"task_id":"there"'));
  });

  test('reads long replays page by page, none lost', async () => {
    const from = await newest();
    const names = Array.from({ length: 250 }, (_, index) => `page-${index}`);
    await Promise.all(names.map((name) => update(name)));
    const stream = await rawStream(producer.address, { 'last-event-id': String(from) });
    await until(() => [...stream.text().matchAll(/"task_id":"page-/g)].length === names.length);
    const ids = [...stream.text().matchAll(/^id: (\d+)\ndata: {"id":"\1","task_id"/gm)].map(([, id]) =>
      Number(id),
    );
    expect(ids).toEqual(names.map((_, index) => from + 1 + index));
  });

  test('refuses what it cannot go on from, who has no right to read, and other methods', async () => {
    const bad = await producer.call('GET', '/task_updates', undefined, { 'last-event-id': 'x1' });
    expect(bad.json).toMatchObject({
      status: 400,
      errors: [{ field: 'Last-Event-ID', message: 'must be the id of an update' }],
    });
    expect((await (await holderOf(producer, 'send')).call('GET', '/task_updates')).status).toBe(403);
    expect((await new ApiClient(producer.address).call('GET', '/task_updates')).status).toBe(401);
    expect((await producer.call('POST', '/task_updates', {})).status).toBe(405);
    expect((await producer.call('HEAD', '/task_updates')).status).toBe(200);
  });

  test('a key has so many streams and no more, and none stays when its client is gone', async () => {
    const { key } = await aKey(producer, ['read:all'], { per_second: 1_000 });
    const authorization = `Bearer ${key}`;
    const streams = await Promise.all(
      Array.from({ length: 100 }, () => rawStream(producer.address, { authorization })),
    );
    expect(new Set(streams.map(({ status }) => status))).toEqual(new Set([200]));
    await until(async () => (await openStreams('sse')) >= 100);
    const refused = await rawStream(producer.address, { authorization });
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '5']);
    expect((await connectWith({ token: key })).refusal).toMatchObject({
      status: 429,
      detail: 'You have 100 streams open here, which is the most.',
    });
    const patient = openedWith(listenTo(exampleService(producer.address, key).bySocket()));
    for (const stream of streams) stream.stop();
    await until(async () => (await openStreams('sse')) === 0);
    expect((await rawStream(producer.address, { authorization })).status).toBe(200);
    await untilListening(patient);
  });
});

describe('Socket.IO', () => {
  test('asks who it is: with a key that may read, by auth.token', async () => {
    const sender = await aKey(producer, ['send']);
    const reader = await aKey(producer, ['read']);
    expect((await connectWith({})).refusal).toMatchObject({
      status: 401,
      errors: [{ field: 'auth.token', message: 'is required: a key or token' }],
    });
    expect((await connectWith({ token: 'no-such-key' })).refusal).toMatchObject({ status: 401 });
    expect((await connectWith({ token: sender.key })).refusal).toMatchObject({
      status: 403,
      detail: 'It needs the scope read; yours: send.',
    });
    expect((await connectWith({ token: API_KEY, last_event_id: 'x' })).refusal).toMatchObject({
      status: 400,
      errors: [{ field: 'auth.last_event_id', message: 'must be the id of an update' }],
    });
    expect((await connectWith({ token: reader.key })).refusal).toBeUndefined();
  });

  test.each(['websocket', 'polling'])('goes on from auth.last_event_id, by %s', async (transport) => {
    const from = await newest();
    await update(`${transport}-1`);
    const socket = io(producer.address, {
      auth: { token: API_KEY, last_event_id: String(from) },
      transports: [transport],
      forceNew: true,
    });
    openedWith({ stop: () => socket.disconnect() });
    const heard: string[] = [];
    socket.on('task_update', ({ task_id }: { task_id: string }) => heard.push(task_id));
    await until(() => heard.length === 1);
    await update(`${transport}-2`);
    await until(() => heard.length === 2);
    expect(heard).toEqual([`${transport}-1`, `${transport}-2`]);
  });

  test('is open to pages of ALLOWED_ORIGINS and to no other', async () => {
    const from = (origin: string) =>
      connectWith({ token: API_KEY }, { transports: ['websocket'], extraHeaders: { origin } });
    expect((await from(ORIGIN)).refusal).toBeUndefined();
    expect((await from('http://evil.example')).refusal).toBeDefined();
    expect((await from(producer.address)).refusal).toBeUndefined();
  });

  test('what it is not asked for is served as before: other upgrades, and every other address', async () => {
    const text = JSON.stringify(body('h2c'));
    const { host } = new URL(producer.address);
    const head = [
      'POST /update_task HTTP/1.1',
      `Host: ${host}`,
      `Authorization: Bearer ${API_KEY}`,
      'Content-Type: application/json',
      `Content-Length: ${text.length}`,
      // As Java's own client sends with each request.
      'Connection: Upgrade, HTTP2-Settings',
      'Upgrade: h2c',
      'HTTP2-Settings: AAEAAEAAAAIAAAAAAAMAAAAAAAQBAAAAAAUAAEAAAAYABgAA',
    ];
    const next = `GET /healthz HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
    const answer = await rawRequest(producer.address, [`${head.join('\r\n')}\r\n\r\n${text}${next}`]);
    expect(answer).toContain('task updated, notification will be sent asynchronously');
    expect(answer).toContain('{"status":"ok"}');
  });
});

describe('a browser on another origin', () => {
  test.each(['/update_task', '/task_updates'])(
    'may call %s from ALLOWED_ORIGINS, and from nowhere else',
    async (path) => {
      const preflight = (origin: string) =>
        fetch(`${producer.address}${path}`, {
          method: 'OPTIONS',
          headers: { origin, 'access-control-request-method': 'GET' },
        });
      const allowed = await preflight(ORIGIN);
      expect(allowed.status).toBe(204);
      expect(allowed.headers.get('access-control-allow-origin')).toBe(ORIGIN);
      expect(allowed.headers.get('access-control-allow-headers')).toMatch(/authorization.*last-event-id/);
      const foreign = await preflight('http://evil.example');
      expect(foreign.status).toBe(401);
      expect(foreign.headers.get('access-control-allow-origin')).toBeNull();
      // What it is told must be readable, a refusal as well.
      const refused = await fetch(`${producer.address}${path}`, { headers: { origin: ORIGIN } });
      expect([refused.status, refused.headers.get('access-control-allow-origin')]).toEqual([401, ORIGIN]);
    },
  );
});

test('a key that is revoked hears nothing more within seconds, by either way', async () => {
  const { id, key } = await aKey(producer, ['read:all']);
  const stream = await rawStream(producer.address, { authorization: `Bearer ${key}` });
  const { socket } = await connectWith({ token: key });
  let why = '';
  socket.once('disconnect', (reason) => (why = reason));
  const example = [
    openedWith(listenTo(exampleService(producer.address, key).bySocket())),
    openedWith(listenTo(exampleService(producer.address, key).byEventStream())),
  ];
  await untilListening(...example);
  expect((await producer.call('DELETE', `/v1/keys/${id}`)).status).toBeLessThan(300);
  await until(() => stream.isOver() && why === 'io server disconnect', 8_000);
  // They come back with the same key, and are told.
  await until(() => example.every(({ error }) => error?.name === 'Refused'));
});

test('without RabbitMQ an update is heard later, and is not lost', async () => {
  const listener = openedWith(listenTo(exampleService(other.address).byEventStream()));
  await untilListening(listener);
  const away = await startTestProducer({ ...testConfig(servers), RABBITMQ_URL: 'amqp://127.0.0.1:1' });
  expect((await update('untold', away)).status).toBe(200);
  await until(() => tasksOf(listener).includes('untold'));
  await away.stop();
});

test('a producer that stops ends its streams and waits for none; their clients go on with the next one', async () => {
  const config = testConfig(servers);
  const first = await startTestProducer(config);
  const port = new URL(first.address).port;
  const listeners = [
    openedWith(await plainSocketListener(first.address)),
    openedWith(listenTo(exampleService(first.address).bySocket())),
    openedWith(listenTo(exampleService(first.address).byEventStream())),
  ];
  await untilListening(...listeners);
  const from = await newest();
  await first.stop();
  await update('while it was away', other);
  const second = await startTestProducer({ ...config, PORT: Number(port) });
  await update('when it was back', other);
  const names = ['while it was away', 'when it was back'];
  await until(() => listeners.every(({ heard }) => heard.at(-1)?.id === String(from + 2)));
  for (const listener of listeners) expect(tasksOf(listener)).toEqual(names);
  for (const one of open.splice(0)) one.stop();
  await second.stop();
});

test('the example says what was missed, and begins anew with a store that was emptied', async () => {
  const config = testConfig(servers);
  let restarted = await startTestProducer(config);
  const PORT = Number(new URL(restarted.address).port);
  const services = [exampleService(restarted.address), exampleService(restarted.address)] as const;
  const missed: UpdatesMissed[][] = services.map((service) => {
    const told: UpdatesMissed[] = [];
    service.missed.subscribe((one) => told.push(one));
    return told;
  });
  const listeners = [
    openedWith(listenTo(services[0].bySocket())),
    openedWith(listenTo(services[1].byEventStream())),
  ];
  await untilListening(...listeners);
  const from = await newest();
  /** Does something while the producer is away, and waits for the last update to be heard. */
  const whileAway = async (act: () => Promise<unknown>): Promise<void> => {
    await restarted.stop();
    await act();
    restarted = await startTestProducer({ ...config, PORT });
    const last = await kept().find().sort({ _id: -1 }).limit(1).next();
    await until(() => listeners.every((listener) => tasksOf(listener).at(-1) === last?.task_id));
  };

  await whileAway(async () => {
    for (const name of ['missed', 'not missed']) await update(name, other);
    await kept().deleteMany({ _id: { $lt: from + 2 } });
  });
  expect(missed).toEqual(services.map(() => [{ after: String(from), first: String(from + 2) }]));
  await whileAway(async () => {
    await kept().deleteMany({});
    for (const name of ['first of all', 'second']) await update(name, other);
  });
  for (const { heard } of listeners)
    expect(heard.map(({ id, task_id }) => [id, task_id])).toEqual([
      [String(from + 2), 'not missed'],
      ['1', 'first of all'],
      ['2', 'second'],
    ]);
  for (const one of open.splice(0)) one.stop();
  await restarted.stop();
});
