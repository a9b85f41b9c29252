import { spawn } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { jsonLines } from '../../support/cli.ts';
import { startCliFleet, type CliFleet } from '../../support/cli-fleet.ts';
import { API_KEY } from '../../support/fleet.ts';
import { aRecord } from '../../support/records.ts';
import { suppressionIdOf } from '../../../shared/store/index.ts';

/** `tidings status`, `list`, `retry`, `dead-letters` and `stats`. */
let fleet: CliFleet;

beforeAll(async () => {
  fleet = await startCliFleet();
});
afterAll(() => fleet.stop());

const died = (code: string, more: object = {}) =>
  aRecord({
    status: 'failed_permanently',
    error: { code, reason: 'no such mailbox', provider: 'smtp' },
    ...more,
  });

describe('status, list, retry', () => {
  test('status shows a timeline, and knows what is not there', async () => {
    const record = died('550');
    await fleet.notifications().insertOne(record);
    const { code, stdout, stderr } = await fleet.cli.run(['status', record._id, 'gone']);
    expect(code).toBe(4);
    expect(stdout).toMatch(/failed_permanently[^]*error +550 no such mailbox[^]*accepted/);
    expect(stderr).toContain('gone: There is no such notification.\n');
    const missing = await fleet.cli.run(['status', '../keys', '--json']);
    expect(missing).toMatchObject({ code: 1 });
    expect(jsonLines(missing.stdout)).toMatchObject([{ id: '../keys', problem: { code: 'not_found' } }]);
  });
  test('list filters, pages, and prints one JSON a line', async () => {
    await fleet
      .notifications()
      .insertMany(Array.from({ length: 430 }, () => aRecord({ user_id: 'many', status: 'canceled' })));
    const lines = async (...args: string[]) =>
      jsonLines(
        (await fleet.cli.run(['list', '--user', 'many', '--status', 'canceled', '--json', ...args])).stdout,
      );
    expect(await lines('--limit', '3')).toHaveLength(3);
    expect(new Set((await lines('--all')).map(({ id }) => id)).size).toBe(430);
    const table = await fleet.cli.run(['list', '--user', 'many']);
    expect(table.stdout.trimEnd().split('\n')).toHaveLength(51);
    expect(table.stderr).toContain('There are more: say a larger --limit, or --all.');
    // Colours are not for a pipe.
    expect(table.stdout).not.toContain('\u001b');
  });
  test('list ends quietly when its reader has had enough', async () => {
    await fleet
      .notifications()
      .insertMany(
        Array.from({ length: 1_000 }, () => aRecord({ user_id: 'long', message: 'x'.repeat(2_000) })),
      );
    const env = { ...process.env, TIDINGS_URL: fleet.producer.address, TIDINGS_API_KEY: API_KEY };
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
    await fleet.notifications().insertMany([dead, waiting]);
    const stdin = `${dead._id}\n${waiting._id}\n`;
    const { code, stdout, stderr } = await fleet.cli.run(['retry', '-'], { stdin });
    expect({ code, stdout }).toEqual({ code: 4, stdout: `${dead._id}  pending\n` });
    expect(stderr).toContain(
      `${waiting._id}: Its state forbids this. It is pending; only what is failed_permanently, outcome_unknown or suppressed can be retried.`,
    );
  });
});

describe('dead-letters', () => {
  test('are listed, counted, redriven and discarded by filter', async () => {
    const mine = (code: string) => died(code, { user_id: 'dead' });
    await fleet.notifications().insertMany([mine('451'), mine('451'), mine('550')]);
    const act = (...args: string[]) => fleet.cli.run(['dead-letters', ...args, '--user', 'dead']);
    const list = await act('list', '--code', '451', '--json');
    expect(jsonLines(list.stdout)).toHaveLength(2);
    expect(await act('retry', '--code', '451', '--dry-run')).toMatchObject({
      code: 0,
      stdout: '2 match; nothing was done\n',
    });
    const unasked = await act('retry', '--code', '451');
    expect(unasked).toMatchObject({ code: 2, stderr: expect.stringContaining('say --yes') as string });
    expect(
      await fleet.notifications().countDocuments({ user_id: 'dead', status: 'failed_permanently' }),
    ).toBe(3);
    const redriven = await act('retry', '--code', '451', '--rate', '50', '--yes', '--json');
    expect(jsonLines(redriven.stdout)).toEqual([{ matched: 2, changed: 2, dry_run: false }]);
    const discarded = await act('discard', '--provider', 'smtp', '--reason', 'moved away', '--yes');
    expect(discarded).toMatchObject({ code: 0, stdout: '1 of 1 given up\n' });
    const statuses = await fleet.notifications().distinct('status', { user_id: 'dead' });
    expect(statuses).toHaveLength(2);
    expect(statuses).toContain('discarded');
    expect(statuses).not.toContain('failed_permanently');
  });
});

describe('suppressions', () => {
  const since = new Date('2030-01-31T09:00:00Z');
  const suppress = (channel: 'email' | 'sms', address: string) =>
    fleet.suppressions().add({
      ...{ _id: suppressionIdOf(channel, address), channel, address, since },
      ...{ code: '5.1.1', reason: 'no such mailbox', actor: 'consumer:email' },
    });
  test('are listed, by channel and by address, and lifted once', async () => {
    await suppress('email', 'gone+1@example.org');
    await suppress('sms', '+12025550123');
    const run = (...args: string[]) => fleet.cli.run(['suppressions', ...args]);
    expect(await run()).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(
        /^CHANNEL +ADDRESS +SINCE +BY +WHY\n[^]*email +gone\+1@example.org +2030-01-31T09:00:00.000Z +consumer:email +5.1.1 no such mailbox\n/,
      ) as string,
    });
    const one = await run('list', '--limit', '1', '--json');
    expect(jsonLines(one.stdout)).toHaveLength(1);
    expect(one.stderr).toContain('a larger --limit, or --all');
    const sms = await run('list', '--channel', 'sms', '--json');
    expect(jsonLines(sms.stdout)).toMatchObject([{ address: '+12025550123' }]);

    const lift = () => run('lift', 'email', 'gone+1@example.org');
    expect(await lift()).toMatchObject({
      code: 0,
      stdout: 'gone+1@example.org gets email again; it was suppressed since 2030-01-31T09:00:00.000Z\n',
    });
    expect(await run('--address', 'gone+1@example.org')).toMatchObject({ stderr: 'There are none.\n' });
    expect(await lift()).toMatchObject({ code: 1, stderr: 'This address is not suppressed.\n' });
  });
  test('are added by hand, counted by a dry run, and removed by a filter', async () => {
    const run = (...args: string[]) => fleet.cli.run(['suppressions', ...args]);
    for (const name of ['hand1', 'hand2'])
      expect(await run('add', 'email', `${name}@example.org`, '--reason', 'asked')).toMatchObject({
        code: 0,
        stdout: `${name}@example.org gets no email any more\n`,
      });
    const remove = (...args: string[]) => run('remove', '--reason', 'test', ...args);
    const filter = ['--code', 'by_hand', '--words', 'ask'];
    expect(await remove(...filter, '--dry-run')).toMatchObject({
      code: 0,
      stdout: '2 suppressions match; nothing was done\n',
    });
    expect(await remove(...filter)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--yes') as string,
    });
    expect(await remove(...filter, '--yes')).toMatchObject({
      code: 0,
      stdout: '2 of 2 suppressions removed\n',
    });
    for (const wrong of [[], ['--all', '--code', 'x']])
      expect(await remove(...wrong, '--yes')).toMatchObject({ code: 2 });
  });
  test('of another channel than the two is refused before anything is asked', async () => {
    const { code, stderr } = await fleet.cli.run(['suppressions', 'lift', 'in_app', 'u1']);
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: expect.stringContaining('Allowed choices are email, sms') as string,
    });
  });
});

test('stats shows counts, queues and the balance; --json all of it', async () => {
  const { code, stdout } = await fleet.cli.run(['stats']);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^\d+ notifications, as of 20/);
  expect(stdout).toMatch(/STATUS +email +sms +in_app +ALL/);
  expect(stdout).toContain('BALANCE');
  expect(stdout).toMatch(/BREAKER +NOT TAKEN IN AN HOUR\ninbox +in_app +1 +closed +none yet\n/);
  const [stats] = jsonLines((await fleet.cli.run(['stats', '--json'])).stdout);
  expect(Object.keys(stats ?? {})).toEqual(Object.keys((await fleet.producer.call('GET', '/stats')).json));
});
