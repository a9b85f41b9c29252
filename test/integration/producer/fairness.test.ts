import { monitorEventLoopDelay } from 'node:perf_hooks';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readBatchBody } from '../../../services/producer/api/batch-body.ts';
import { Problem } from '../../../services/producer/api/problem.ts';
import { aKey } from '../../support/api-client.ts';
import { API_KEY, startTestProducer, testConfig, type TestProducer } from '../../support/fleet.ts';
import { createTestServers, type TestServers } from '../../support/servers.ts';
import { until } from '../../support/until.ts';

const MIB = 1024 * 1024;
/** What others may wait for at most, in milliseconds. */
const STALL_MS = 50;

const batchOf = (items: string): Buffer => Buffer.from(`{"notifications":[${items}]}`);
const items = (count: number, more: string): string =>
  Array.from({ length: count }, () => `{"user_id":"u1","type":"in_app","message":"x"${more}}`).join(',');
/** Bodies of 10 MiB, or nearly. */
const LARGE: Record<string, Buffer> = {
  '3.5 million empty objects': batchOf(`${'{},'.repeat(3_495_200)}{}`),
  '1 000 items of objects': batchOf(items(1_000, `,"data":{"a":[${'{},'.repeat(3_300)}{}]}`)),
  '1 000 items of unknown fields': batchOf(
    items(1_000, Array.from({ length: 1_000 }, (_, n) => `,"a${n}":1`).join('')),
  ),
  'one item of numbers': batchOf(`[${'1,'.repeat(5_000_000)}1]`),
  'one string of escapes': batchOf(`"${'\\"'.repeat(5_000_000)}"`),
  'fields beside the list': Buffer.from(`{"a":[${'1,'.repeat(5_000_000)}1]}`),
};

/** The longest wait of anybody else while it runs, in milliseconds: the least of three tries, for other processes can only add to it. */
async function longestStall(work: () => Promise<unknown>): Promise<number> {
  const stalls: number[] = [];
  for (let n = 0; n < 3; n += 1) {
    const delay = monitorEventLoopDelay({ resolution: 1 });
    delay.enable();
    // Its first look only begins to measure.
    await until(() => delay.count > 0);
    await work();
    // What the last turn has taken is seen in the next one.
    await new Promise((resolve) => setImmediate(resolve));
    delay.disable();
    stalls.push(delay.max / 1e6);
  }
  return Math.min(...stalls);
}

test.each(Object.entries(LARGE))('reads a batch of %s without stalling others', async (_what, bytes) => {
  expect(bytes.length).toBeGreaterThan(5 * MIB);
  const read = () => readBatchBody(bytes).catch((thrown: unknown) => thrown);
  expect(await longestStall(read)).toBeLessThan(STALL_MS);
});

test('counts the items before it parses any of them', async () => {
  const bytes = LARGE['3.5 million empty objects'] ?? Buffer.alloc(0);
  const before = process.memoryUsage().heapUsed;
  const refused = await readBatchBody(bytes).catch((thrown: unknown) => thrown);
  expect(refused).toBeInstanceOf(Problem);
  expect(refused).toMatchObject({
    errors: [{ field: 'notifications', message: 'must be at most 1000 notifications, and has 3495201' }],
  });
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(20 * MIB);
});

describe('a producer', () => {
  let servers: TestServers;
  let producer: TestProducer;
  beforeAll(async () => {
    servers = await createTestServers();
    producer = await startTestProducer(testConfig(servers, { KEY_BYTES_PER_SECOND: String(MIB) }));
  });
  afterAll(async () => {
    await producer.stop();
    await servers.drop();
  });

  const post = (key: string, body: Buffer): Promise<Response> =>
    fetch(`${producer.address}/v1/notifications/batch`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: body as unknown as BodyInit,
    });

  test('accepts a batch of 10 MiB without stalling others', async () => {
    const bytes = batchOf(items(1_000, `,"data":{"text":"${'x'.repeat(10_000)}"}`));
    const accept = async (): Promise<void> => {
      const response = await post(API_KEY, bytes);
      expect([response.status, ((await response.json()) as { accepted: [] }).accepted.length]).toEqual([
        202, 1_000,
      ]);
    };
    await accept();
    // The client and its body are in this process as well.
    expect(await longestStall(accept)).toBeLessThan(2 * STALL_MS);
  }, 60_000);

  test('takes so many bytes a second from one key, and holds up no other one', async () => {
    const [greedy, other] = [await aKey(producer, ['send']), await aKey(producer, ['send'])];
    const large = batchOf(
      items(1, `,"data":{"text":"${'x'.repeat(60_000)}"}`).concat(
        ',',
        items(300, `,"data":{"t":"${'x'.repeat(10_000)}"}`),
      ),
    );
    expect(large.length).toBeGreaterThan(2 * MIB);
    expect((await post(greedy.key, large)).status).toBe(202);
    const refused = await post(greedy.key, batchOf(items(1, '')));
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    expect(((await refused.json()) as { detail: string }).detail).toContain('1048576 bytes a second');
    expect((await post(other.key, batchOf(items(1, '')))).status).toBe(202);
    // API_KEY has no limit.
    for (let n = 0; n < 2; n += 1) expect((await post(API_KEY, large)).status).toBe(202);
  });

  test('takes as many bytes as the key itself says', async () => {
    const { key } = await aKey(producer, ['send'], { bytes_per_second: 20 * MIB });
    const large = batchOf(items(150, `,"data":{"t":"${'x'.repeat(10_000)}"}`));
    for (let n = 0; n < 3; n += 1) expect((await post(key, large)).status).toBe(202);
    const { json } = await producer.call('POST', '/v1/keys', {
      name: 'x',
      scopes: ['send'],
      bytes_per_second: 5,
    });
    expect(json.errors).toMatchObject([{ field: 'bytes_per_second' }]);
  });

  test('counts what a packed body unpacks to', async () => {
    const { gzipSync } = await import('node:zlib');
    const { key } = await aKey(producer, ['send']);
    const packed = gzipSync(batchOf(items(200, `,"data":{"t":"${'x'.repeat(10_000)}"}`)));
    expect(packed.length).toBeLessThan(100_000);
    const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip' };
    const send = () =>
      fetch(`${producer.address}/v1/notifications/batch`, {
        method: 'POST',
        headers: { authorization: `Bearer ${key}`, ...headers },
        body: packed,
      });
    expect((await send()).status).toBe(202);
    expect((await send()).status).toBe(429);
  });
});
