import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { jsonLines } from '../../support/cli.ts';
import { startCliFleet, type CliFleet } from '../../support/cli-fleet.ts';
import { aRecord } from '../../support/records.ts';
import { until } from '../../support/until.ts';

/** `tidings users`, `cancel`, `resolve`, `quarantine`, `audit`, `update-task`, and `send --attach`. */
let fleet: CliFleet;
const folder = mkdtempSync(join(tmpdir(), 'tidings-people-'));

beforeAll(async () => {
  fleet = await startCliFleet();
});
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await fleet.stop();
});

const run = (...args: string[]) => fleet.cli.run(args);
const statusOf = async (id: string) => (await fleet.notifications().findOne({ _id: id }))?.status;

describe('cancel and resolve', () => {
  test('cancel takes back what waits, and says what cannot be', async () => {
    const waiting = aRecord({ status: 'scheduled' });
    const sent = aRecord({ status: 'sent' });
    await fleet.notifications().insertMany([waiting, sent]);
    const canceled = await run('cancel', waiting._id, sent._id);
    expect(canceled).toMatchObject({ code: 4, stdout: `${waiting._id}  canceled\n` });
    expect(canceled.stderr).toContain(`${sent._id}: Its state forbids this. It is sent`);
    expect(await statusOf(waiting._id)).toBe('canceled');
  });

  test('resolve records what a person found out', async () => {
    const unknown = aRecord({ status: 'outcome_unknown' });
    await fleet.notifications().insertOne(unknown);
    expect(await run('resolve', unknown._id)).toMatchObject({ code: 2 });
    expect(await run('resolve', unknown._id, '--as', 'sent', '--json')).toMatchObject({
      code: 0,
      stdout: `${JSON.stringify({ id: unknown._id, status: 'sent' })}\n`,
    });
    expect(await statusOf(unknown._id)).toBe('sent');
  });
});

describe('users', () => {
  test('shows an inbox, counts and marks what is unread', async () => {
    for (const message of ['One', 'Two', 'Three'])
      await run('send', '--user', 'reader', '--message', message);
    const unread = async () => (await run('users', 'unread', 'reader')).stdout;
    await until(async () => (await unread()) === '3\n', 30_000);
    const inbox = await run('users', 'notifications', 'reader', '--type', 'in_app', '--unread', '--json');
    const [first] = jsonLines(inbox.stdout);
    expect(jsonLines(inbox.stdout)).toHaveLength(3);
    const read = await run('users', 'read', 'reader', String(first?.id), 'gone');
    expect(read).toMatchObject({ code: 4, stderr: expect.stringContaining('gone: ') as string });
    expect(await unread()).toBe('2\n');
    expect(await run('users', 'read', 'reader')).toMatchObject({ code: 2 });
    expect(await run('users', 'read', 'reader', '--all')).toMatchObject({
      code: 0,
      stdout: '2 marked as read\n',
    });
  });

  test('prints a token alone', async () => {
    const { code, stdout, stderr } = await run('users', 'token', 'reader');
    expect({ code, stderr }).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(/^It expires in \d+ s\.\n$/) as string,
    });
    expect(stdout).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+\n$/);
  });

  test('exports a person page by page, and erases after a question', async () => {
    const records = Array.from({ length: 60 }, () => aRecord({ user_id: 'gone/1', status: 'sent' }));
    await fleet.notifications().insertMany(records);
    const exported = await run('users', 'export', 'gone/1');
    const pages = jsonLines(exported.stdout);
    expect(pages.flatMap(({ notifications }) => notifications)).toHaveLength(60);
    expect(pages.length).toBeGreaterThan(1);

    expect(await run('users', 'erase', 'gone/1')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('say --yes') as string,
    });
    const erased = await run('users', 'erase', 'gone/1', '--yes', '--json');
    const [receipt] = jsonLines(erased.stdout);
    expect(receipt).toMatchObject({ erased: 60 });
    const shown = await run('users', 'erasure', String(receipt?.id));
    expect(shown).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('60 notifications erased') as string,
    });
    expect(await fleet.notifications().countDocuments({ user_id: 'gone/1' })).toBe(0);
  });
});

test('quarantine lists records, retries and discards them', async () => {
  const [retried, discarded] = [aRecord(), aRecord()];
  await fleet.notifications().insertMany([retried, discarded]);
  for (const { _id } of [retried, discarded])
    await fleet.quarantine().add(_id, { operation: 'claim', code: '121', reason: 'no valid document' });
  const list = await run('quarantine');
  expect(list.stdout).toMatch(new RegExp(`${retried._id} .* 121 +no valid document\n`));
  expect(await run('quarantine', 'retry', retried._id)).toMatchObject({
    code: 0,
    stdout: `${retried._id}  released\n`,
  });
  expect(await run('quarantine', 'retry', retried._id)).toMatchObject({
    code: 1,
    stderr: 'This notification is not in quarantine.\n',
  });
  expect(jsonLines((await run('quarantine', 'discard', discarded._id, '--json')).stdout)).toEqual([
    { id: discarded._id, outcome: 'discarded' },
  ]);
});

test('audit lists who did what, by filter', async () => {
  await run('keys', 'create', 'audited', '--scope', 'read');
  const { code, stdout } = await run('audit', '--act', 'key_made', '--actor', 'api', '--json');
  expect(code).toBe(0);
  expect(jsonLines(stdout)).toMatchObject([{ act: 'key_made', actor: 'api', detail: 'read' }]);
  expect((await run('audit')).stdout).toMatch(/^AT +ACTOR +ACT +SUBJECT +DETAIL\n/);
});

test('update-task tells a person once for one key', async () => {
  const args = ['update-task', 't1', '--email', 'task@example.org', '--idempotency-key', 'k1'];
  expect(await run(...args)).toMatchObject({ code: 0 });
  expect(await run(...args)).toMatchObject({ code: 0 });
  expect(await fleet.notifications().countDocuments({ email: 'task@example.org' })).toBe(1);
});

test('send attaches files, and names those that are too large', async () => {
  const file = join(folder, 'terms.txt');
  writeFileSync(file, 'Grüße');
  const sent = await run('send', '--email', 'files@example.org', '-s', 'Hi', '--attach', file, 'Hello');
  expect(sent.code).toBe(0);
  expect(await fleet.notifications().findOne({ email: 'files@example.org' })).toMatchObject({
    attachments: [
      { filename: 'terms.txt', content_type: 'text/plain', content: Buffer.from('Grüße').toString('base64') },
    ],
  });
  writeFileSync(file, 'x'.repeat(800_000));
  expect(await run('send', '--email', 'files@example.org', '--attach', file, 'Hello')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('terms.txt 800000); one e-mail may carry 750000') as string,
  });
  expect(await run('send', '--csv', 'people.csv', '--attach', join(folder, 'terms.txt'))).toMatchObject({
    code: 2,
  });
});
