import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EXITS } from '../../../infra/cli/exit.ts';
import { freePort } from '../../../infra/local/ports.ts';
import { createInAppChannel } from '../../../services/in-app/channel.ts';
import { notificationsOf, openStore, type Store } from '../../../shared/store/index.ts';
import type { Service } from '../../../shared/runtime/service.ts';
import { aKey } from '../../support/api-client.ts';
import { Cli, jsonLines, startCli } from '../../support/cli.ts';
import {
  API_KEY,
  startTestChannel,
  startTestProducer,
  testConfig,
  type TestProducer,
} from '../../support/fleet.ts';
import { aRecord } from '../../support/records.ts';
import { createTestServers, type TestServers } from '../../support/servers.ts';
import { until } from '../../support/until.ts';

/** `tidings …` as a process, against a producer with the in-app consumer: what is for somebody in-app is sent at once, e-mail waits. */
let servers: TestServers;
let producer: TestProducer;
let inApp: Service;
let store: Store;
let cli: Cli;
const folder = mkdtempSync(join(tmpdir(), 'tidings-cli-'));

beforeAll(async () => {
  servers = await createTestServers();
  const config = testConfig(servers);
  producer = await startTestProducer(config);
  inApp = await startTestChannel(config, createInAppChannel());
  store = openStore(servers.mongoUri, 'test');
  cli = new Cli(producer.address);
});
afterAll(async () => {
  await Promise.all([producer.stop(), inApp.stop(), store.stop()]);
  await servers.drop();
  rmSync(folder, { recursive: true, force: true });
});

const notifications = () => notificationsOf(store.db);
const get = async (id: string) => (await producer.call('GET', `/v1/notifications/${id}`)).json;
const died = (code: string, more: object = {}) =>
  aRecord({
    status: 'failed_permanently',
    error: { code, reason: 'no such mailbox', provider: 'smtp' },
    ...more,
  });

describe('the door', () => {
  test('of npx runs the sources, and says every exit code', async () => {
    const { code, stdout } = await startCli(['--help'], { program: 'infra/cli/tidings.mjs' }).ended;
    expect(code).toBe(0);
    for (const { code: exit, meaning } of Object.values(EXITS))
      expect(stdout).toMatch(new RegExp(`^  ${exit} +${meaning.slice(0, 20)}`, 'm'));
  });
  test.each([
    [[], /Usage: tidings/],
    [['lst'], /unknown command 'lst'[^]*Did you mean list/],
    [['list', '--status', 'gone'], /Allowed choices are scheduled/],
    [['list', '--limit', 'x'], /whole number/],
    [['send', '--email', 'nobody', '-m', 'Hello'], /email: must be an e-mail address/],
    [['send', '-m', 'Hello'], /Say to whom/],
    [['dead-letters', 'retry'], /or --all/],
    [['retry', '-'], /names no id/],
  ])('used wrongly, it ends with 2 and says so: %j', async (args, words) => {
    const { code, stdout, stderr } = await cli.run(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(words);
  });
});

describe('send', () => {
  test('hands one over, prints id and status, and the key that it made', async () => {
    const { code, stdout, stderr } = await cli.run(['send', '--email', 'a@example.org', '-s', 'Hi', 'Hello']);
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: expect.stringMatching(/^[0-9a-f-]{36} {2}pending\n$/) as string,
    });
    const key = /idempotency key (\S+)/.exec(stderr)?.[1];
    const record = await notifications().findOne({ _id: stdout.slice(0, 36) });
    expect(record).toMatchObject({ user_id: 'a@example.org', message: 'Hello', idempotency_key: key });
  });
  test('takes every field, and the message from standard input; --json prints what the API answers', async () => {
    const args = [
      'send',
      '--json',
      '--user',
      'u1',
      '--type',
      'email',
      '--email',
      'a@example.org',
      '--html',
      '<p>Hi</p>',
    ];
    const more = [
      '--data',
      '{"order":7}',
      '--lane',
      'bulk',
      '--send-at',
      '2039-01-01T00:00:00Z',
      '--on-ambiguous',
      'hold',
      '-',
    ];
    const { code, stdout } = await cli.run([...args, ...more], { stdin: 'Two\nlines\n' });
    expect(code).toBe(0);
    const [accepted] = jsonLines(stdout);
    expect(accepted).toMatchObject({ status: 'scheduled' });
    expect(await get(String(accepted?.id))).toMatchObject({
      message: 'Two\nlines',
      html: '<p>Hi</p>',
      data: { order: 7 },
      lane: 'bulk',
      send_at: '2039-01-01T00:00:00.000Z',
      on_ambiguous: 'hold',
    });
  });
  test('twice with the same key is one', async () => {
    const args = ['send', '--user', 'u1', '--idempotency-key', 'order-7', 'Hello'];
    const first = await cli.run(args);
    const second = await cli.run(args);
    expect(second).toMatchObject({ code: 0, stdout: first.stdout });
    const other = await cli.run([...args.slice(0, -1), 'Another']);
    expect(other).toMatchObject({ code: 1, stderr: expect.stringContaining('another body') as string });
  });
  test('--wait follows it to its end: 0 when it was sent', async () => {
    const { code, stdout } = await cli.run([
      'send',
      '--user',
      'reader',
      'Hello',
      '--wait',
      '--timeout',
      '20',
    ]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/ pending .*\n[^]* sent /);
  });
  test('--wait ends with 6 when its time is over, with 1 when it will not be sent', async () => {
    const args = [
      'send',
      '--user',
      'u1',
      '--send-at',
      '2039-01-01T00:00:00Z',
      '--idempotency-key',
      'late',
      'Hello',
      '--wait',
    ];
    expect(await cli.run([...args, '--timeout', '1'])).toMatchObject({ code: 6 });
    const { ended } = cli.start([...args, '--json']);
    const { _id: id } = await until(
      async () => (await notifications().findOne({ idempotency_key: 'late' })) ?? false,
    );
    await producer.call('POST', `/v1/notifications/${id}/cancel`);
    const { code, stdout } = await ended;
    expect(code).toBe(1);
    expect(jsonLines(stdout).at(-1)).toMatchObject({ id, status: 'canceled' });
  });
});

describe('status, list, retry', () => {
  test('status shows a timeline, and knows what is not there', async () => {
    const record = died('550');
    await notifications().insertOne(record);
    const { code, stdout, stderr } = await cli.run(['status', record._id, 'gone']);
    expect(code).toBe(4);
    expect(stdout).toMatch(/failed_permanently[^]*error +550 no such mailbox[^]*accepted/);
    expect(stderr).toContain('gone: There is nothing under this address. There is no notification gone.');
    const missing = await cli.run(['status', '../keys', '--json']);
    expect(missing).toMatchObject({ code: 1 });
    expect(jsonLines(missing.stdout)).toMatchObject([{ id: '../keys', problem: { code: 'not_found' } }]);
  });
  test('list filters, pages, and prints one JSON a line', async () => {
    await notifications().insertMany(
      Array.from({ length: 430 }, () => aRecord({ user_id: 'many', status: 'canceled' })),
    );
    const lines = async (...args: string[]) =>
      jsonLines(
        (await cli.run(['list', '--user', 'many', '--status', 'canceled', '--json', ...args])).stdout,
      );
    expect(await lines('--limit', '3')).toHaveLength(3);
    expect(new Set((await lines('--all')).map(({ id }) => id)).size).toBe(430);
    const table = await cli.run(['list', '--user', 'many']);
    expect(table.stdout.trimEnd().split('\n')).toHaveLength(51);
    expect(table.stderr).toContain('There are more');
  });
  test('list ends quietly when its reader has had enough', async () => {
    await notifications().insertMany(
      Array.from({ length: 1_000 }, () => aRecord({ user_id: 'long', message: 'x'.repeat(2_000) })),
    );
    const env = { ...process.env, TIDINGS_URL: producer.address, TIDINGS_API_KEY: API_KEY };
    const command = `"${process.execPath}" dist/infra/cli/main.js list --user long --all --json | head -n 1`;
    const child = spawn('bash', ['-o', 'pipefail', '-c', command], {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    const code = await new Promise((resolve) => child.once('close', resolve));
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });
  test('retry takes ids from standard input, and says of each what became of it', async () => {
    const dead = died('550');
    const waiting = aRecord();
    await notifications().insertMany([dead, waiting]);
    const stdin = `${dead._id}\n${waiting._id}\n`;
    const { code, stdout, stderr } = await cli.run(['retry', '-'], { stdin });
    expect({ code, stdout }).toEqual({ code: 4, stdout: `${dead._id}  pending\n` });
    expect(stderr).toContain(
      `${waiting._id}: The notification is in a state that forbids this. It is pending.`,
    );
  });
});

describe('dead-letters', () => {
  test('are listed, counted, redriven and discarded by filter', async () => {
    const mine = (code: string) => died(code, { user_id: 'dead' });
    await notifications().insertMany([mine('451'), mine('451'), mine('550')]);
    const act = (...args: string[]) => cli.run(['dead-letters', ...args, '--user', 'dead']);
    const list = await act('list', '--code', '451', '--json');
    expect(jsonLines(list.stdout)).toHaveLength(2);
    expect(await act('retry', '--code', '451', '--dry-run')).toMatchObject({
      code: 0,
      stdout: '2 match; nothing was done\n',
    });
    const unasked = await act('retry', '--code', '451');
    expect(unasked).toMatchObject({ code: 2, stderr: expect.stringContaining('say --yes') as string });
    expect(await notifications().countDocuments({ user_id: 'dead', status: 'failed_permanently' })).toBe(3);
    const redriven = await act('retry', '--code', '451', '--rate', '50', '--yes', '--json');
    expect(jsonLines(redriven.stdout)).toEqual([{ matched: 2, changed: 2, dry_run: false }]);
    const discarded = await act('discard', '--provider', 'smtp', '--reason', 'moved away', '--yes');
    expect(discarded).toMatchObject({ code: 0, stdout: '1 of 1 given up\n' });
    const statuses = await notifications().distinct('status', { user_id: 'dead' });
    expect(statuses).toHaveLength(2);
    expect(statuses).toContain('discarded');
    expect(statuses).not.toContain('failed_permanently');
  });
});

test('stats shows counts, queues and the balance; --json all of it', async () => {
  const { code, stdout } = await cli.run(['stats']);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^\d+ notifications, as of 20/);
  expect(stdout).toMatch(/STATUS +email +sms +in_app +ALL/);
  expect(stdout).toContain('BALANCE');
  const [stats] = jsonLines((await cli.run(['stats', '--json'])).stdout);
  expect(Object.keys(stats ?? {})).toEqual(Object.keys((await producer.call('GET', '/stats')).json));
});

test('keys are made, listed, rotated and revoked; a secret goes to stdout alone, or into a file of its owner', async () => {
  const made = await cli.run([
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
  const holder = new Cli(producer.address, made.stdout.trim());
  expect(await holder.run(['list'])).toMatchObject({ code: 0 });
  const forbidden = await holder.run(['keys', 'list']);
  expect(forbidden).toMatchObject({
    code: 5,
    stderr: expect.stringContaining('It needs the scope admin') as string,
  });

  const file = join(folder, 'key');
  const rotated = await cli.run(['keys', 'rotate', id, '--out', file, '--json']);
  expect(jsonLines(rotated.stdout)).toMatchObject([{ id }]);
  expect(rotated.stdout + rotated.stderr).not.toContain(readFileSync(file, 'utf8').trim());
  expect(statSync(file).mode & 0o777).toBe(0o600);
  const byFile = await cli.run(['list', '--key-file', file]);
  expect(byFile).toMatchObject({ code: 0 });

  expect(await cli.run(['keys', 'revoke', id])).toMatchObject({ code: 2 });
  expect(await cli.run(['keys', 'revoke', id, '--yes'])).toMatchObject({
    code: 0,
    stdout: `${id}  revoked\n`,
  });
  expect((await cli.run(['keys', 'list'])).stdout).toMatch(new RegExp(`${id} +shop checkout +revoked`));
});

describe('when it cannot', () => {
  test('reach the API, it tries for a while and ends with 3', async () => {
    const away = new Cli(`http://127.0.0.1:${await freePort()}`);
    const { code, stderr } = await away.run(['stats', '--patience', '1']);
    expect(code).toBe(3);
    expect(stderr).toMatch(/nothing listens there.*Trying again for 1 s/);
  });
  test('show a good key, it ends with 5 and says where the key came from', async () => {
    const wrong = await new Cli(producer.address, 'not-the-key').run(['stats', '--json']);
    expect(wrong).toMatchObject({
      code: 5,
      stderr: expect.stringContaining('from TIDINGS_API_KEY') as string,
    });
    expect(jsonLines(wrong.stdout)).toMatchObject([{ code: 'unauthorized' }]);
    const none = await startCli(['stats', '--url', producer.address], { env: { TIDINGS_API_KEY: '' } }).ended;
    expect(none).toMatchObject({ code: 5, stderr: expect.stringContaining('Set TIDINGS_API_KEY') as string });
  });
  test('read the key file, or use the address, it ends with 2', async () => {
    expect(await cli.run(['stats', '--key-file', join(folder, 'none')])).toMatchObject({ code: 2 });
    const open = join(folder, 'open');
    writeFileSync(open, API_KEY, { mode: 0o644 });
    const warned = await cli.run(['stats', '--key-file', open]);
    expect(warned).toMatchObject({ code: 0, stderr: expect.stringContaining(`chmod 600 ${open}`) as string });
    for (const url of ['producer:3000', 'ftp://a', 'http://user:pw@a'])
      expect(await cli.run(['stats', '--url', url])).toMatchObject({ code: 2 });
  });
});

describe('beside a server that means ill', () => {
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
});

test('what a terminal would obey is written out, in tables, in JSON and in errors', async () => {
  const evil = '\u001b]0;owned\u0007\u009b2J\u202e';
  const record = died(evil, {
    user_id: 'evil',
    error: { code: '1', reason: `a${evil}\r\nb\u007f`, provider: 'smtp' },
  });
  await notifications().insertOne(record);
  const outputs = await Promise.all([
    cli.run(['list', '--user', 'evil']),
    cli.run(['list', '--user', 'evil', '--json']),
    cli.run(['status', record._id, evil]),
    cli.run([`x${evil}`]),
  ]);
  for (const { stdout, stderr } of outputs) {
    // eslint-disable-next-line no-control-regex -- they must not be there
    expect(stdout + stderr).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
    expect(stdout + stderr).toContain('\\u202e');
  }
  expect(jsonLines(outputs[1].stdout)).toMatchObject([{ error: { reason: `a${evil}\r\nb\u007f` } }]);
});

describe('colours', () => {
  /** `script` gives a command a terminal. */
  const onTerminal = (env: Record<string, string>) => {
    const command = `"${process.execPath}" dist/infra/cli/main.js stats; "${process.execPath}" dist/infra/cli/main.js list --status pending`;
    const child = spawn('script', ['-qec', command, '/dev/null'], {
      env: { ...process.env, TIDINGS_URL: producer.address, TIDINGS_API_KEY: API_KEY, NO_COLOR: '', ...env },
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
  test.skipIf(!existsSync('/usr/bin/script'))('are for a terminal, unless NO_COLOR is set', async () => {
    const [coloured, plain] = await Promise.all([onTerminal({}), onTerminal({ NO_COLOR: '1' })]);
    expect(coloured).toContain('\u001b[33mpending');
    expect(plain).toContain('pending');
    expect(plain).not.toContain('\u001b');
  });
  test('are not for a pipe', async () => {
    expect((await cli.run(['list', '--status', 'pending'])).stdout).not.toContain('\u001b');
  });
});

test('a key of one scope gets no further', async () => {
  const { key } = await aKey(producer, ['send:sms']);
  const { code, stderr } = await new Cli(producer.address, key).run([
    'send',
    '--email',
    'a@example.org',
    '-s',
    'Hi',
    'Hello',
  ]);
  expect({ code, stderr }).toEqual({ code: 5, stderr: expect.stringContaining('send:email') as string });
});
