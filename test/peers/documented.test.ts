import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { documentedBlock, documentedCommands } from '../support/documented.ts';
import { API_KEY } from '../support/fleet.ts';
import { startLocalFleet, type LocalFleet } from '../support/local-fleet.ts';
import { peerProgram } from '../support/peers.ts';
import { runProgram } from '../support/program.ts';
import { until } from '../support/until.ts';

const curl = peerProgram('curl') ?? '';
const PAGES = ['README.md', 'docs/realtime.md'];
const commands = PAGES.flatMap((page) => documentedCommands(page, 'curl'));

describe('commands of the documentation, as they stand there', () => {
  let fleet: LocalFleet;
  let folder: string;
  /** A notification that was sent, and a dead letter. */
  let [sent, dead] = ['', ''];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'tidings-documented-'));
    fleet = await startLocalFleet();
    [sent, dead] = [
      await ended('ada@example.org', 'sent'),
      await ended('bounce@example.org', 'failed_permanently'),
    ];
  });
  afterAll(async () => {
    await fleet.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  async function ended(email: string, status: string): Promise<string> {
    const mail = { user_id: 'u1', type: 'email', email, message: 'Hello' };
    const { json } = await fleet.call('POST', '/v1/notifications', mail);
    const id = String(json.id);
    await until(async () => (await fleet.call('GET', `/v1/notifications/${id}`)).json.status === status);
    return id;
  }

  /** Runs it in a folder of its own, with a shell function in place of a program. */
  const shell = (script: string, functions: string, env: NodeJS.ProcessEnv) =>
    runProgram('sh', ['-ec', `cd '${folder}'\n${functions}\n${script}`], { env, timeoutMs: 50_000 });

  test('are the requests of the README, and of the page on streams', () => {
    expect(commands.length).toBeGreaterThanOrEqual(7);
  });

  test.skipIf(curl === '').each(commands)('%s', async (command) => {
    const here = command
      .replaceAll('localhost:3000', new URL(fleet.address).host)
      .replaceAll('<API key>', API_KEY)
      .replaceAll(/notifications\/[0-9a-f-]{36}/g, `notifications/${sent}`)
      .replaceAll('<id of the one to bounce@>', dead);
    const strict = 'curl() { "$CURL" -sS --fail-with-body "$@"; }';
    const { code, stdout, stderr } = await shell(here, strict, { CURL: curl });
    expect({ code, stdout, stderr }).toEqual({
      code: 0,
      stdout: expect.stringMatching(/^\{/) as string,
      stderr: '',
    });
  });

  test('npx tidings of the README', async () => {
    writeFileSync(join(folder, 'people.csv'), 'user_id,email\nu1,grace@example.org\n');
    const block = documentedBlock('README.md', 'npx tidings send --csv');
    const program = resolve('infra/cli/tidings.mjs');
    const env = { TIDINGS_URL: fleet.address, TIDINGS_API_KEY: API_KEY };
    const { code, stdout, stderr } = await shell(block, `npx() { shift; node '${program}' "$@"; }`, env);
    expect({ code, stdout, stderr }).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('Usage:') as string,
    });
    await fleet.sandbox.mailbox.waitFor(
      (item) => item.kind === 'mail' && item.envelope.to[0] === 'grace@example.org',
      15_000,
    );
  });
});
