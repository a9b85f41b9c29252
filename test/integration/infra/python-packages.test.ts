import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { providePythonPackages } from '../../../infra/local/provision/python-packages.ts';
import { runPeer, startPeer } from '../../support/python-peers.ts';

const REQUIREMENTS = 'test/peers/requirements.txt';

afterEach(() => {
  vi.unstubAllEnvs();
});

test('a script of Python finds every package in the version that is pinned', async () => {
  const { code, lines, stderr } = await runPeer('test/peers/versions.py');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const pinned = new Map(
    [...readFileSync(REQUIREMENTS, 'utf8').matchAll(/^([\w-]+)==([\w.]+)/gm)].map((found) => [
      found[1],
      found[2],
    ]),
  );
  const loaded = lines() as { package: string; version: string }[];
  expect(loaded.map(({ package: name }) => name)).toContain('pika');
  for (const { package: name, version } of loaded)
    expect({ name, version: pinned.get(name) }).toEqual({ name, version });
});

test('a script’s exit code and complaints are told, and one that hangs ends with its time', async () => {
  const failed = await runPeer('test/peers/no-such-script.py');
  expect(failed).toMatchObject({ code: 2, stdout: '' });
  expect(failed.stderr).toContain('No such file');
  const hanging = startPeer('test/peers/versions.py', [], { timeoutMs: 50 });
  hanging.kill('SIGSTOP');
  expect(await hanging.ended).toBeNull();
});

test('without a network it says so, and leaves nothing that looks whole', async () => {
  const toolsDir = mkdtempSync(join(tmpdir(), 'tidings-tools-'));
  // Where nothing listens.
  vi.stubEnv('PIP_INDEX_URL', 'http://127.0.0.1:9/simple');
  vi.stubEnv('PIP_NO_CACHE_DIR', '1');
  await expect(providePythonPackages(toolsDir, 'peers', REQUIREMENTS)).rejects.toThrow(
    /No Python packages for the tests \(test\/peers\/requirements.txt\): .*\(is the network there\?\)/,
  );
  expect(readdirSync(toolsDir)).toEqual([]);
  rmSync(toolsDir, { recursive: true });
});
