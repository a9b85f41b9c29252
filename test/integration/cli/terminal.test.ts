import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EXITS } from '../../../infra/cli/exit.ts';
import { jsonLines, startCli } from '../../support/cli.ts';
import { startCliFleet, type CliFleet } from '../../support/cli-fleet.ts';
import { API_KEY } from '../../support/fleet.ts';
import { aRecord } from '../../support/records.ts';

/** How `tidings` starts, and what it shows on a terminal. */
let fleet: CliFleet;

beforeAll(async () => {
  fleet = await startCliFleet();
});
afterAll(() => fleet.stop());

describe('the door', () => {
  test('of npx says every exit code', async () => {
    const { code, stdout } = await startCli(['--help'], { program: 'infra/cli/tidings.mjs' }).ended;
    expect(code).toBe(0);
    for (const { code: exit, meaning } of Object.values(EXITS))
      expect(stdout).toMatch(new RegExp(`^  ${exit} +${meaning.slice(0, 20)}`, 'm'));
  });
  test.each([
    [[], /Usage: tidings/],
    [['lst'], /unknown command 'lst'[^]*Did you mean list/],
    [['retry', '-'], /names no id/],
  ])('used wrongly, it ends with 2 and says so: %j', async (args, words) => {
    const { code, stdout, stderr } = await fleet.cli.run(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(words);
  });
});

test('what a terminal would obey is written out, in tables, in JSON and in errors', async () => {
  const evil = '\u001b]0;owned\u0007\u009b2J\u202e';
  const record = aRecord({
    user_id: 'evil',
    status: 'failed_permanently',
    error: { code: '1', reason: `a${evil}\r\nb\u007f`, provider: 'smtp' },
  });
  await fleet.notifications().insertOne(record);
  const outputs = await Promise.all([
    fleet.cli.run(['list', '--user', 'evil']),
    fleet.cli.run(['list', '--user', 'evil', '--json']),
    fleet.cli.run(['status', record._id, evil]),
    fleet.cli.run([`x${evil}`]),
  ]);
  for (const { stdout, stderr } of outputs) {
    // eslint-disable-next-line no-control-regex -- they must not be there
    expect(stdout + stderr).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
    expect(stdout + stderr).toContain('\\u202e');
  }
  expect(jsonLines(outputs[1].stdout)).toMatchObject([{ error: { reason: `a${evil}\r\nb\u007f` } }]);
});

/** `script` gives a command a terminal. */
const onTerminal = (env: Record<string, string>) => {
  const command = `"${process.execPath}" dist/infra/cli/main.js list --status pending`;
  const child = spawn('script', ['-qec', command, '/dev/null'], {
    env: {
      ...process.env,
      TIDINGS_URL: fleet.producer.address,
      TIDINGS_API_KEY: API_KEY,
      NO_COLOR: '',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let stdout = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  return new Promise<string>((resolve) =>
    child.once('close', () => {
      resolve(stdout);
    }),
  );
};
test.skipIf(!existsSync('/usr/bin/script'))(
  'colours are for a terminal, unless NO_COLOR is set',
  async () => {
    await fleet.notifications().insertOne(aRecord());
    const [coloured, plain] = await Promise.all([onTerminal({}), onTerminal({ NO_COLOR: '1' })]);
    expect(coloured).toContain('\u001b[33mpending');
    expect(plain).toContain('pending');
    expect(plain).not.toContain('\u001b');
  },
);
