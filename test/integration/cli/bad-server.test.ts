import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Cli } from '../../support/cli.ts';

/** `tidings …` beside a server that means ill, or is unwell. */
const heard: string[] = [];
let bad: Server;
let address: string;
/** What it answers next. */
let answer: { status: number; headers?: Record<string, string>; body: string };

beforeAll(async () => {
  bad = createServer((request, response) => {
    heard.push(`${String(request.method)} ${String(request.url)} ${String(request.headers.authorization)}`);
    response.writeHead(answer.status, { 'content-type': 'application/json', ...answer.headers });
    response.end(answer.body);
  });
  await new Promise<void>((resolve) => bad.listen(0, '127.0.0.1', resolve));
  address = `http://127.0.0.1:${(bad.address() as AddressInfo).port}`;
});
afterAll(() => bad.close());

test('the key follows no redirect', async () => {
  answer = { status: 307, headers: { location: `${address}/elsewhere` }, body: '' };
  const { code, stderr } = await new Cli(address).run(['list']);
  expect({ code, stderr }).toEqual({
    code: 3,
    stderr: expect.stringContaining('the key is not sent there') as string,
  });
  expect(heard.filter((line) => line.includes('elsewhere'))).toEqual([]);
});
test('what is no Tidings is not believed', async () => {
  answer = { status: 200, body: '{"hello":"world"}' };
  expect(await new Cli(address).run(['list'])).toMatchObject({
    code: 3,
    stderr: expect.stringContaining('not as Tidings does') as string,
  });
});
test('what may not come twice is not repeated, but where nothing was done; what may, is', async () => {
  const posts = async (args: string[], status: number) => {
    heard.length = 0;
    answer = {
      status,
      headers: { 'retry-after': '0' },
      body: '{"title":"Busy","status":503,"code":"store_unavailable"}',
    };
    const { code } = await new Cli(address).run([...args, '--patience', '1']);
    expect(code).toBe(3);
    return heard.length;
  };
  expect(await posts(['retry', 'some-id'], 503)).toBe(1);
  expect(await posts(['retry', 'some-id'], 429)).toBeGreaterThan(1);
  expect(await posts(['send', '--user', 'u1', 'Hello'], 503)).toBeGreaterThan(1);
});
test('a Retry-After beyond its patience ends it at once', async () => {
  heard.length = 0;
  answer = {
    status: 503,
    headers: { 'retry-after': '3600' },
    body: '{"title":"Busy","status":503,"code":"store_unavailable"}',
  };
  expect(await new Cli(address).run(['stats'])).toMatchObject({ code: 3 });
  expect(heard).toHaveLength(1);
});
