import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import { afterEach, expect, test } from 'vitest';
import { startSandbox } from '../../../infra/local/sandbox/sandbox.ts';

type Child = ChildProcessByStdio<Writable, Readable, Readable>;
const settings = {
  SANDBOX_SMTP_PORT: '0',
  SANDBOX_HTTP_PORT: '0',
  SANDBOX_TWILIO_ACCOUNT_SID: 'AC1',
  SANDBOX_TWILIO_AUTH_TOKEN: 'token',
};
const children: Child[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

function start(env: Record<string, string>): Child {
  const child = spawn(process.execPath, ['--import', 'tsx', 'infra/local/sandbox/main.ts'], {
    env: { PATH: process.env.PATH ?? '', ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  children.push(child);
  return child;
}
async function addressOf(child: Child): Promise<string> {
  const [line] = (await once(child.stdout.setEncoding('utf8'), 'data')) as [string];
  expect(line).toMatch(/^mail on smtp:\/\/127\.0\.0\.1:\d+, SMS and mailbox on http:\/\/127\.0\.0\.1:\d+\n$/);
  return /http:\S+/.exec(line)?.[0] ?? '';
}

test.each([
  ['SIGTERM', (child: Child) => child.kill('SIGTERM')],
  ['SIGINT', (child: Child) => child.kill('SIGINT')],
  ['the closing of its input', (child: Child) => child.stdin.end()],
])('on %s it ends well within 2 s, with a page still listening', async (_what, stop) => {
  const child = start({ ...settings, TIDINGS_SUPERVISED: '1' });
  const address = await addressOf(child);
  const page = await fetch(`${address}/live`);
  expect(page.status).toBe(200);
  const before = Date.now();
  stop(child);
  expect(await once(child, 'exit')).toEqual([0, null]);
  expect(Date.now() - before).toBeLessThan(2_000);
  await expect(page.text()).rejects.toThrow();
});
test('bad settings are all named at once', async () => {
  const child = start({ SANDBOX_SMTP_PORT: '70000', SANDBOX_HTTP_PORT: 'x', SANDBOX_TWILIO_AUTH_TOKEN: '' });
  let words = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (words += text));
  expect(await once(child, 'close')).toEqual([1, null]);
  expect(words.trim().split('\n')).toEqual([
    'the sandbox could not start: ',
    '  SANDBOX_SMTP_PORT: must be at most 65535',
    '  SANDBOX_HTTP_PORT: must be a port from 0 to 65535; 0 takes any free one',
    '  SANDBOX_TWILIO_ACCOUNT_SID: is missing',
    '  SANDBOX_TWILIO_AUTH_TOKEN: is missing',
  ]);
});
test('when the second port is taken, nothing is left on the first', async () => {
  const holder = createServer().listen(0, '127.0.0.1');
  await once(holder, 'listening');
  const taken = (holder.address() as AddressInfo).port;
  const free = createServer().listen(0, '127.0.0.1');
  await once(free, 'listening');
  const smtpPort = (free.address() as AddressInfo).port;
  await new Promise((resolve) => free.close(resolve));
  const options = { smtpPort, httpPort: taken, accountSid: 'AC1', authToken: 'token' };
  await expect(startSandbox(options)).rejects.toThrow('EADDRINUSE');
  const again = await startSandbox({ ...options, httpPort: 0 });
  await again.stop();
  holder.close();
});
