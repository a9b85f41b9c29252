import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { PEERS, PEER_PROGRAMS, providePeers } from '../../../infra/local/provision/peers.ts';

let toolsDir: string;
let said: string[];
const say = (words: string): void => void said.push(words);

beforeEach(() => {
  toolsDir = mkdtempSync(join(tmpdir(), 'tidings-tools-'));
  said = [];
  // A machine without Go and without a package manager.
  vi.stubEnv('PATH', '/nonexistent');
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(toolsDir, { recursive: true, force: true });
});

const programsIn = (env: NodeJS.ProcessEnv) => JSON.parse(env[PEER_PROGRAMS] ?? '') as Record<string, string>;

test('names each peer that cannot be had in one line with the reason', async () => {
  const programs = programsIn(await providePeers(toolsDir, { quickOnly: false, say }));
  const missing = Object.keys(PEERS).filter((name) => !(name in programs));
  expect(missing).toEqual(expect.arrayContaining(['mailpit', 'grpcurl', 'amqp-go']));
  expect(said).toEqual(
    missing.map(
      (name) =>
        expect.stringMatching(`^· ${name}: none, so the tests with it are skipped \\(.+\\)$`) as string,
    ),
  );
});

test('says which peers the short part leaves out', async () => {
  const programs = programsIn(await providePeers(toolsDir, { quickOnly: true, say }));
  expect(Object.keys(programs)).not.toContain('mailpit');
  expect(said.at(-1)).toBe(
    '· postfix, postgrey, mailpit, grpcurl, amqp-go: tested by npm run check:peers only',
  );
});
