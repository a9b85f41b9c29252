import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { endLeftover, SERVER_MARK } from '../../../infra/local/leftovers.ts';
import { lockHolder, takeLock } from '../../../infra/local/lock.ts';
import { Ports } from '../../../infra/local/ports.ts';
import { keptSecret, newAccountSid, newApiKey } from '../../../infra/local/secrets.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tidings-state-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

test('a port is remembered from start to start, and two names never share one', async () => {
  const first = new Ports(folder);
  const [a, b] = [await first.take('a'), await first.take('b')];
  expect(a).not.toBe(b);
  expect(await new Ports(folder).take('a')).toBe(a);
});

test('a remembered port that somebody else has now gives way to another, which is remembered', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port: taken } = server.address() as AddressInfo;
  writeFileSync(join(folder, 'ports.json'), JSON.stringify({ a: taken }));
  const moved = await new Ports(folder).take('a');
  await new Promise((resolve) => server.close(resolve));
  expect(moved).not.toBe(taken);
  expect(await new Ports(folder).take('a')).toBe(moved);
});

test('a damaged memory of ports is no reason to stop', async () => {
  writeFileSync(join(folder, 'ports.json'), '{"a": 70000');
  expect(await new Ports(folder).take('a')).toBeGreaterThan(0);
});

test('a secret is made once, whole, and for its owner only', () => {
  const file = join(folder, 'secret');
  // What a start leaves that was killed while it wrote.
  writeFileSync(`${file}.new`, '');
  const secret = keptSecret(file, newApiKey);
  expect(secret).toMatch(/^tid_[\w-]{43}$/);
  expect(keptSecret(file, () => 'another')).toBe(secret);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  keptSecret(join(folder, 'cookie'), newAccountSid, 0o400);
  expect(statSync(join(folder, 'cookie')).mode & 0o777).toBe(0o400);
});

test('a lock whose process is gone, or is another program by now, is no lock', () => {
  const file = join(folder, 'lock');
  writeFileSync(file, '1');
  expect(lockHolder(file)).toBeUndefined();
  expect(takeLock(file)).toBe(true);
  expect(readFileSync(file, 'utf8')).toBe(String(process.pid));
});

/** A process in a group of its own, marked as a server of a data folder, as one on a leash is. */
function sleeper(name: string, dataDir: string): ChildProcess {
  const env = { ...process.env, [SERVER_MARK]: dataDir };
  const child = spawn('sleep', ['60'], { detached: true, env, stdio: 'ignore' });
  writeFileSync(join(folder, name), String(child.pid));
  return child;
}

test.runIf(process.platform === 'linux')(
  'a leftover of our own server ends, nobody else’s does',
  async () => {
    const [ours, neighbours] = [sleeper('ours.pid', folder), sleeper('reused.pid', `${folder}-2`)];
    const ended = new Promise((resolve) =>
      ours.once('exit', (_code, signal) => {
        resolve(signal);
      }),
    );
    await endLeftover(join(folder, 'ours.pid'), folder);
    await endLeftover(join(folder, 'reused.pid'), folder);
    expect(await ended).toBe('SIGTERM');
    expect(neighbours.exitCode ?? neighbours.signalCode).toBeNull();
    expect(existsSync(join(folder, 'reused.pid'))).toBe(false);
    neighbours.kill('SIGKILL');
  },
);
