import { Parser, type AsyncAPIDocumentInterface } from '@asyncapi/parser';
import { Ajv } from 'ajv';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CHANNEL_NAMES } from '../../../shared/contracts/index.ts';
import { API_KEY, startTestProducer, testConfig, type TestProducer } from '../../support/fleet.ts';
import { runPeer } from '../../support/python-peers.ts';
import { createTestServers, type TestServers } from '../../support/servers.ts';
import { until } from '../../support/until.ts';

let servers: TestServers;
let producer: TestProducer;
let text: string;

beforeAll(async () => {
  servers = await createTestServers();
  producer = await startTestProducer(testConfig(servers));
  ({ text } = await producer.call('GET', '/asyncapi.json', undefined, { authorization: '' }));
});
afterAll(async () => {
  await producer.stop();
  await servers.drop();
});

/** Errors and warnings; the rest are hints, such as that there is a newer version of AsyncAPI. */
const HARMFUL: readonly number[] = [0, 1];

/** Validates a document. */
async function parse(source: string): Promise<{ document?: AsyncAPIDocumentInterface; troubles: string[] }> {
  const { document, diagnostics } = await new Parser().parse(source);
  const troubles = diagnostics
    .filter(({ severity }) => HARMFUL.includes(severity))
    .map(({ path, message }) => `${path.join('.')}: ${message}`);
  return { ...(document && { document }), troubles };
}

test('the document is valid AsyncAPI 3.0', async () => {
  const { document, troubles } = await parse(text);
  expect(troubles).toEqual([]);
  expect(document?.version()).toBe('3.0.0');
  expect(
    document
      ?.allChannels()
      .all()
      .map((channel) => channel.address()),
  ).toEqual(['notification.requested', 'notification.requested.{channel}', '/task_updates', '/socket.io/']);
});

test.each([
  ['the examples', {}, true],
  ['a number that is none', { phone: '0202 555 0123' }, false],
  ['a message that is no text', { message: 7 }, false],
  ['no person', { user_id: undefined }, false],
  ['no recipient of the channel', { type: 'email', email: undefined, phone: undefined }, false],
  ['a field that nobody knows', { to: 'u1' }, false],
])('by the schema of the document, %s: %o', async (_what, change, isValid) => {
  const { document } = await parse(text);
  const message = document?.allMessages().get('notificationRequested');
  // What has a format has a pattern as well.
  const check = new Ajv({ validateFormats: false, strict: false }).compile(
    message?.payload()?.json() ?? false,
  );
  const examples = message?.examples().all() ?? [];
  expect(examples.length).toBe(CHANNEL_NAMES.length);
  for (const example of examples)
    expect([check({ ...(example.payload() as object), ...change }), check.errors]).toEqual([
      isValid,
      isValid ? null : expect.anything(),
    ]);
});

test('each example is accepted by the fleet when pika publishes it as the document says', async () => {
  const { document } = await parse(text);
  const channel = document?.allChannels().get('requests');
  const exchange = (channel?.bindings().get('amqp')?.value() as { exchange: { name: string } }).exchange.name;
  const examples = channel?.messages().get('notificationRequested')?.examples().all() ?? [];
  expect(examples.map((one) => one.name())).toEqual(CHANNEL_NAMES);
  const lines = examples.map((one) => ({
    exchange,
    routing_key: channel?.address(),
    body: JSON.stringify(one.payload()),
    properties: { message_id: one.name() },
  }));
  const { code, stderr } = await runPeer('test/peers/amqp_messages.py', [], {
    env: { AMQP_URL: servers.rabbitmqUrl },
    input: lines.map((line) => `${JSON.stringify(line)}\n`).join(''),
  });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const accepted = await until(async () => {
    const { json } = await producer.call('GET', '/v1/notifications');
    const { notifications } = json as { notifications: { type: string }[] };
    return notifications.length === examples.length && notifications;
  });
  expect(accepted.map(({ type }) => type).sort()).toEqual([...CHANNEL_NAMES].sort());
});

test('an update of a task streams as the document says', async () => {
  const { document } = await parse(text);
  await producer.call('POST', '/update_task', { task_id: '123', user_email: 'test@example.com' });
  const response = await fetch(`${producer.address}/task_updates`, {
    headers: { authorization: `Bearer ${API_KEY}`, 'last-event-id': '0' },
    signal: AbortSignal.timeout(10_000),
  });
  const [place, update] = await eventsOf(response, 2);
  for (const [name, event] of [
    ['streamPlace', place],
    ['taskUpdated', update],
  ] as const) {
    const check = new Ajv({ validateFormats: false, strict: false }).compile(
      document?.allMessages().get(name)?.payload()?.json() ?? false,
    );
    expect([name, check(event), check.errors]).toEqual([name, true, null]);
    expect(check({ ...(event as object), id: 7 })).toBe(false);
  }
});

/** The data of the first events of a stream. */
async function eventsOf(response: Response, count: number): Promise<unknown[]> {
  const found: unknown[] = [];
  let rest = '';
  for await (const chunk of response.body ?? []) {
    const lines = (rest + Buffer.from(chunk as Uint8Array).toString()).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line.startsWith('data: ')) found.push(JSON.parse(line.slice(6)));
    if (found.length >= count) break;
  }
  return found;
}

test('the page of the documentation leads to it', async () => {
  const page = await producer.call('GET', '/docs');
  expect(page.text).toContain('href="/asyncapi.json"');
});
