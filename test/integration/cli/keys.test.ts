import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePort } from '../../../infra/local/ports.ts';
import { Cli, jsonLines, startCli } from '../../support/cli.ts';
import { startCliFleet, type CliFleet } from '../../support/cli-fleet.ts';
import { API_KEY } from '../../support/fleet.ts';

/** `tidings keys`, and what is said where address or key are no good. */
let fleet: CliFleet;
const folder = mkdtempSync(join(tmpdir(), 'tidings-cli-'));

beforeAll(async () => {
  fleet = await startCliFleet();
});
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await fleet.stop();
});

test('keys are made, listed, rotated and revoked; a secret goes to stdout alone, or into a file of its owner', async () => {
  const made = await fleet.cli.run([
    'keys',
    'create',
    'shop checkout',
    '--scope',
    'send:email',
    'read',
    '--per-second',
    '5',
  ]);
  expect(made).toMatchObject({ code: 0, stdout: expect.stringMatching(/^tidk_\w+_[\w-]+\n$/) as string });
  const id = String(/Key (\w+), shop checkout: send:email, read/.exec(made.stderr)?.[1]);
  const holder = new Cli(fleet.producer.address, made.stdout.trim());
  const forbidden = await holder.run(['send', '--phone', '+12025550123', 'Hello']);
  expect(forbidden).toMatchObject({ code: 5, stderr: expect.stringContaining('send:sms') as string });

  // Where the new one could not be written, the old one stays.
  const file = join(folder, 'key');
  writeFileSync(file, 'mine');
  const kept = await fleet.cli.run(['keys', 'rotate', id, '--out', file]);
  expect(kept).toMatchObject({ code: 2, stderr: expect.stringContaining('nothing was done') as string });
  expect(readFileSync(file, 'utf8')).toBe('mine');
  expect(await holder.run(['list'])).toMatchObject({ code: 0 });
  rmSync(file);
  const rotated = await fleet.cli.run(['keys', 'rotate', id, '--out', file, '--json']);
  expect(jsonLines(rotated.stdout)).toMatchObject([{ id }]);
  expect(rotated.stdout + rotated.stderr).not.toContain(readFileSync(file, 'utf8').trim());
  expect(statSync(file).mode & 0o777).toBe(0o600);
  const byFile = await fleet.cli.run(['list', '--key-file', file]);
  expect(byFile).toMatchObject({ code: 0 });

  expect(await fleet.cli.run(['keys', 'revoke', id])).toMatchObject({ code: 2 });
  expect(await fleet.cli.run(['keys', 'revoke', id, '--yes'])).toMatchObject({
    code: 0,
    stdout: `${id}  revoked\n`,
  });
  expect((await fleet.cli.run(['keys', 'list'])).stdout).toMatch(new RegExp(`${id} +shop checkout +revoked`));
});

test('where no key is made, no file is left', async () => {
  const file = join(folder, 'none');
  expect(await fleet.cli.run(['keys', 'rotate', 'nobody', '--out', file])).toMatchObject({ code: 1 });
  expect(existsSync(file)).toBe(false);
});

describe('when it cannot', () => {
  test('reach the API, it tries for a while and ends with 3', async () => {
    const away = new Cli(`http://127.0.0.1:${await freePort()}`);
    const { code, stderr } = await away.run(['stats', '--patience', '1']);
    expect(code).toBe(3);
    expect(stderr).toMatch(/nothing listens there.*Trying again for 1 s/);
  });
  test('show a good key, it ends with 5 and says where the key came from', async () => {
    const wrong = await new Cli(fleet.producer.address, 'not-the-key').run(['stats', '--json']);
    expect(wrong).toMatchObject({
      code: 5,
      stderr: expect.stringContaining('from TIDINGS_API_KEY') as string,
    });
    expect(jsonLines(wrong.stdout)).toMatchObject([{ code: 'unauthorized' }]);
    const none = await startCli(['stats', '--url', fleet.producer.address], { env: { TIDINGS_API_KEY: '' } })
      .ended;
    expect(none).toMatchObject({ code: 5, stderr: expect.stringContaining('Set TIDINGS_API_KEY') as string });
  });
  test('find a key, and there is nobody to show it to, it ends with 3 and says that no fleet runs here', async () => {
    const url = `http://127.0.0.1:${await freePort()}`;
    const none = await startCli(['list'], { env: { TIDINGS_API_KEY: '', TIDINGS_URL: url } }).ended;
    expect(none).toMatchObject({ code: 3, stdout: '' });
    expect(none.stderr).toMatch(
      new RegExp(
        `^No fleet runs in this folder \\(npm start starts one\\), and nothing answers at ${url}\\.`,
      ),
    );
  });
  test('read the key file, or use the address, it ends with 2', async () => {
    expect(await fleet.cli.run(['stats', '--key-file', join(folder, 'gone')])).toMatchObject({ code: 2 });
    const open = join(folder, 'open');
    writeFileSync(open, API_KEY, { mode: 0o644 });
    const warned = await fleet.cli.run(['stats', '--key-file', open]);
    expect(warned).toMatchObject({ code: 0, stderr: expect.stringContaining(`chmod 600 ${open}`) as string });
    expect(await fleet.cli.run(['stats', '--url', 'producer:3000'])).toMatchObject({ code: 2 });
  });
});
