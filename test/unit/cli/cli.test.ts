import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, describe, expect, test } from 'vitest';
import { connectionOf, placeOf } from '../../../infra/cli/api/connection.ts';
import { fleetHere } from '../../../infra/cli/api/fleet-here.ts';
import { exitOfMany } from '../../../infra/cli/exit.ts';
import { programOf } from '../../../infra/cli/program.ts';
import { completed } from '../../../infra/cli/request.ts';
import { Output } from '../../../infra/cli/terminal/output.ts';
import { oneLine, visible, visibleJson } from '../../../infra/cli/terminal/visible.ts';
import { notificationRequestSchema } from '../../../shared/contracts/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'tidings-cli-unit-'));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

test('what a terminal would obey is written out; letters of every language are left alone', () => {
  expect(visible('a\u001b[2Jb\u009bc\u007fd\u202ee\u2028f\rg')).toBe(
    'a\\u001b[2Jb\\u009bc\\u007fd\\u202ee\\u2028f\\u000dg',
  );
  expect(visible('Grüße, 你好, שלום, 👩‍👩‍👧\tx\ny')).toBe('Grüße, 你好, שלום, 👩‍👩‍👧\tx\ny');
  expect(oneLine('a\tb\nc')).toBe('a\\tb\\nc');
  const value = { text: 'a\u001b\u009b\u007f\u202e\n' };
  expect(JSON.parse(visibleJson(value))).toEqual(value);
});

test('channel and person follow from the recipient, and what was said stays', () => {
  expect(completed({ email: 'a@example.org' })).toMatchObject({ type: 'email', user_id: 'a@example.org' });
  expect(completed({ phone: '+12025550123', user_id: 'u1' })).toMatchObject({ type: 'sms', user_id: 'u1' });
  expect(completed({ user_id: 'u1' })).toMatchObject({ type: 'in_app' });
  expect(completed({ email: 'a@example.org', phone: '+12025550123' })).not.toHaveProperty('type');
  expect(completed({ email: 'a@example.org', phone: '+12025550123', type: 'sms' })).toMatchObject({
    user_id: '+12025550123',
  });
});

test('each field of the API has an option', async () => {
  const common = ['--user', 'u1', '-m', 'Hello', '--data', '{}', '--lane', 'bulk', '--via', 'one'];
  const times = ['--send-at', '2038-01-01T00:00:00Z', '--expires-at', '2039-01-01T00:00:00Z'];
  const file = join(folder, 'hello.txt');
  writeFileSync(file, 'Hello');
  const mail = [
    '--attach',
    file,
    '--email',
    'a@example.org',
    '-s',
    'Hi',
    '--html',
    '<p>Hi</p>',
    '--from',
    'b@example.org',
  ];
  const said = [
    await dryRun([...common, ...times, ...mail, '--reply-to', 'c@example.org', '--on-ambiguous', 'hold']),
    await dryRun([...common, '--phone', '+12025550123', '--type', 'sms', '--carrier', 'verizon']),
  ];
  expect(said[0]).toMatchObject({ via: 'one', from: 'b@example.org', reply_to: 'c@example.org' });
  expect(said[0]?.attachments).toEqual([
    { filename: 'hello.txt', content_type: 'text/plain', content: 'SGVsbG8=' },
  ]);
  expect(said[1]).toMatchObject({ carrier: 'verizon' });
  const names = Object.keys(notificationRequestSchema.shape);
  expect(new Set(said.flatMap((fields) => Object.keys(fields)))).toEqual(new Set(names));
});

test.each([
  [['list', '--status', 'gone'], /Allowed choices are scheduled/],
  [['list', '--limit', 'x'], /whole number/],
  [['send', '--email', 'nobody', '-m', 'Hello'], /email: must be an e-mail address/],
  [['send', '-m', 'Hello'], /Say to whom/],
  [['dead-letters', 'retry'], /or --all/],
  [['stats', '--url', 'ftp://a'], /must be an address such as/],
  [['stats', '--url', 'http://user:pw@a'], /must not hold a user or password/],
])('what is used wrongly is refused before anything is asked: %j', async (args, words) => {
  await expect(run(args)).rejects.toThrow(words);
});

test.each([
  ['none', undefined, /There is no file/],
  ['empty', [''], /is empty/],
  ['headless', ['user_id,message'], /no rows below/],
  [
    'unknown',
    ['User ID,text', 'u1,Hello'],
    /User ID \(is it user_id\?\), text \(is it message\?\)\. The first line names the columns/,
  ],
  ['files', ['user_id,attachments', 'u1,a.pdf'], /attachments \(files go with one e-mail, by send --attach/],
  [
    'open',
    ['user_id,message', 'u1,"Hello'],
    /line 2, cell 2 \(message\): the quote that begins this cell is not closed/,
  ],
])('a file that is none is refused: %s', async (name, lines, words) => {
  const file = join(folder, `${name}.csv`);
  if (lines) writeFileSync(file, `${lines.join('\n')}\n`);
  await expect(run(['send', '--dry-run', '--csv', file])).rejects.toThrow(words);
});

test('a dry run counts rows that say the same, and e-mails without a subject; what has a key of its own is meant', async () => {
  const file = join(folder, 'twice.csv');
  const row = 'a@example.org,Hi,Hello,';
  const rows = [row, row, row, 'a@example.org,,Hello,', `${row}k1`, `${row}k2`, 'b@example.org,,Hello,'];
  writeFileSync(file, ['email,subject,message,idempotency_key', ...rows].join('\n'));
  expect(await run(['send', '--dry-run', '--csv', file])).toBe(
    '7 of 7 rows can be sent; nothing was\n' +
      '2 rows say the same as a row above; each would be sent\n' +
      '2 e-mails have no subject\n',
  );
  writeFileSync(file, ['email,subject,message', 'a@example.org,Hi,Hello'].join('\n'));
  expect(await run(['send', '--dry-run', '--csv', file])).toBe('1 of 1 rows can be sent; nothing was\n');
});

/** What `send --dry-run` would send. */
async function dryRun(args: readonly string[]): Promise<Record<string, unknown>> {
  return JSON.parse(await run(['send', '--dry-run', ...args])) as Record<string, unknown>;
}

/** Runs a command in this process; answers what it prints. */
async function run(args: readonly string[]): Promise<string> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const program = programOf(new Output(stdout, stderr, {}), {}, () => undefined);
  await program.parseAsync(['node', 'tidings', ...args]);
  return String(stdout.read());
}

test('waiting for a slow reader leaves no listener behind', async () => {
  const stdout = new PassThrough({ highWaterMark: 1 });
  const output = new Output(stdout, new PassThrough(), {});
  const listeners = () => ['drain', 'close', 'error'].map((event) => stdout.listenerCount(event));
  const before = listeners();
  output.print('Hello');
  const drained = output.drained();
  stdout.read();
  await drained;
  expect(listeners()).toEqual(before);
});

describe('the fleet here', () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'tidings-cli-fleet-'));
  afterAll(() => {
    rmSync(dataDir, { recursive: true, force: true });
  });
  test('is none when another program has its process id by now', () => {
    writeFileSync(
      join(dataDir, 'fleet.json'),
      JSON.stringify({ address: 'http://127.0.0.1:3000', apiKey: 'key' }),
    );
    writeFileSync(join(dataDir, 'lock'), '1');
    expect(fleetHere({ TIDINGS_DATA_DIR: dataDir })).toBeUndefined();
  });
});

describe('the key', () => {
  const here = { address: 'http://127.0.0.1:3000', apiKey: 'key-of-the-fleet-here' };
  test('of the fleet here is for that fleet only', () => {
    expect(connectionOf({}, {}, here)).toMatchObject({ address: here.address, key: here.apiKey });
    expect(connectionOf({ url: 'http://localhost:3000/' }, {}, here)).toMatchObject({ key: here.apiKey });
    for (const url of ['http://localhost:3001', 'https://127.0.0.1:3000', 'http://tidings.example.org:3000'])
      expect(() => connectionOf({ url }, {}, here)).toThrow(`No key for ${url}`);
  });
  test('of the environment goes where it was told, with a warning where others could read it', () => {
    const env = { TIDINGS_URL: 'http://tidings.example.org', TIDINGS_API_KEY: ' some-key\n' };
    const connection = connectionOf({}, env, here);
    expect(connection).toMatchObject({ address: 'http://tidings.example.org', key: 'some-key' });
    expect(connection.warnings).toEqual([expect.stringContaining('with https')]);
    expect(() => connectionOf({}, { ...env, TIDINGS_API_KEY: 'two words' }, here)).toThrow('holds no key');
  });
});

test('an address is one place, however it is spelled', () => {
  expect(placeOf('http://127.0.0.1:3000')).toBe(placeOf('http://localhost:3000/'));
  expect(placeOf('http://127.0.0.1:3000')).not.toBe(placeOf('http://127.0.0.1:3001'));
});

test('many acts end as one', () => {
  expect(exitOfMany(['done', 'done'])).toBe('done');
  expect(exitOfMany(['refused', 'refused'])).toBe('refused');
  expect(exitOfMany(['done', 'refused'])).toBe('partly');
  expect(exitOfMany(['refused', 'unfinished'])).toBe('refused');
});
