import { afterAll, beforeAll, expect, test } from 'vitest';
import { jsonLines } from '../../support/cli.ts';
import { startCliFleet, type CliFleet } from '../../support/cli-fleet.ts';
import { until } from '../../support/until.ts';

/** `tidings send`, of one notification. */
let fleet: CliFleet;

beforeAll(async () => {
  fleet = await startCliFleet();
});
afterAll(() => fleet.stop());

test('hands one over, prints id and status, and the key that it made', async () => {
  const { code, stdout, stderr } = await fleet.cli.run([
    'send',
    '--email',
    'a@example.org',
    '-s',
    'Hi',
    'Hello',
  ]);
  expect({ code, stdout }).toEqual({
    code: 0,
    stdout: expect.stringMatching(/^[0-9a-f-]{36} {2}pending\n$/) as string,
  });
  const key = /idempotency key (\S+)/.exec(stderr)?.[1];
  const record = await fleet.notifications().findOne({ _id: stdout.slice(0, 36) });
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
  const { code, stdout } = await fleet.cli.run([...args, ...more], { stdin: 'Two\nlines\n' });
  expect(code).toBe(0);
  const [accepted] = jsonLines(stdout);
  expect(accepted).toMatchObject({ status: 'scheduled' });
  expect((await fleet.producer.call('GET', `/v1/notifications/${String(accepted?.id)}`)).json).toMatchObject({
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
  const first = await fleet.cli.run(args);
  const second = await fleet.cli.run(args);
  expect(second).toMatchObject({ code: 0, stdout: first.stdout });
  const other = await fleet.cli.run([...args.slice(0, -1), 'Another']);
  expect(other).toMatchObject({ code: 1, stderr: expect.stringContaining('another body') as string });
});
test('--wait follows it to its end: 0 when it was sent', async () => {
  const { code, stdout } = await fleet.cli.run([
    'send',
    '--user',
    'reader',
    'Hello',
    '--wait',
    '--timeout',
    '20',
  ]);
  expect(code).toBe(0);
  // Where it stands is said once, last, and is true: at its first look it may still be on its way.
  expect(stdout).toMatch(
    /^[0-9a-f-]{36}\n {2}type +in_app, transactional\n[^]* pending .*\n[^]* sent .*\nsent by inbox\n$/,
  );
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
  expect(await fleet.cli.run([...args, '--timeout', '1'])).toMatchObject({ code: 6 });
  const { ended } = fleet.cli.start([...args, '--json']);
  const { _id: id } = await until(
    async () => (await fleet.notifications().findOne({ idempotency_key: 'late' })) ?? false,
  );
  await fleet.producer.call('POST', `/v1/notifications/${id}/cancel`);
  const { code, stdout } = await ended;
  expect(code).toBe(1);
  expect(jsonLines(stdout).at(-1)).toMatchObject({ id, status: 'canceled' });
});
test('--wait says at the end why it failed, and nothing of a next try', async () => {
  const args = ['send', '--email', 'b@example.org', '--idempotency-key', 'dying', 'Hello', '--wait'];
  const running = fleet.cli.start([...args, '--timeout', '30']);
  const { _id } = await until(
    async () => (await fleet.notifications().findOne({ idempotency_key: 'dying' })) ?? false,
  );
  // What a consumer records, in two steps: it has failed for now, then for good.
  const error = { code: '451', reason: 'try again later', provider: 'smtp' };
  const record = (status: 'failed' | 'failed_permanently', more: object) =>
    fleet.notifications().updateOne(
      { _id },
      {
        $set: { status, error, ...more },
        $push: { timeline: { at: new Date(), status, actor: 'consumer:email' } },
      },
    );
  await record('failed', { next_retry_time: new Date(Date.now() + 600_000) });
  await until(() => running.stdout().includes(' failed '));
  await record('failed_permanently', {});
  const { code, stdout } = await running.ended;
  expect({ code, last: stdout.trimEnd().split('\n').at(-1) }).toEqual({
    code: 1,
    last: 'failed_permanently: 451 try again later',
  });
  expect(stdout).not.toContain('next try');
});
