import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { curlRequestOf } from '../../infra/bare/curl-request.ts';
import { startCli } from '../support/cli.ts';
import { API_KEY } from '../support/fleet.ts';
import { startLocalFleet, type LocalFleet } from '../support/local-fleet.ts';
import { until } from '../support/until.ts';

/** The whole fleet as `npm start` runs it, every service its own process, on a ladder of five seconds. */
let fleet: LocalFleet;

beforeAll(async () => {
  fleet = await startLocalFleet({ RETRY_DELAYS: '1s,1s,1s,1s,1s' });
});
afterAll(async () => {
  await fleet.stop();
});

const mail = { user_id: 'u1', type: 'email', email: 'a@example.org', subject: 'Hi', message: 'Hello' };

async function send(body: object): Promise<string> {
  const answer = await fleet.call('POST', '/v1/notifications', body);
  expect(answer.status).toBe(202);
  return String(answer.json.id);
}
const get = async (id: string) => (await fleet.call('GET', `/v1/notifications/${id}`)).json;
const untilStatus = (id: string, status: string) =>
  until(async () => {
    const record = await get(id);
    return record.status === status && record;
  }, 30_000);
/** Ready messages of the dead-letter queue. */
const deadLetters = async () => {
  const stats = (await fleet.call('GET', '/stats')).json as { queues: { name: string; ready: number }[] };
  return stats.queues.find(({ name }) => name === 'tidings.v1.dlq')?.ready;
};

test('the e-mail of the README arrives, byte by byte as it was written', async () => {
  const id = await send(mail);
  const arrived = await fleet.sandbox.mailbox.waitFor(
    (item) => item.id !== '' && item.kind === 'mail',
    10_000,
  );
  const raw = arrived.kind === 'mail' ? arrived.raw.toString('utf8') : '';
  const [head = '', body] = raw.split('\r\n\r\n');
  const headers = head.split('\r\n').filter((line) => !/^(Date|MIME-Version|Content-)/.test(line));
  expect(headers).toEqual([
    'Auto-Submitted: auto-generated',
    'From: Tidings <tidings@localhost.example>',
    'To: a@example.org',
    'Subject: Hi',
    `Message-ID: <${id}@localhost.example>`,
  ]);
  expect(body).toBe('Hello\r\n');
  await untilStatus(id, 'sent');
});

test('the quick request of the README, as it stands there, is answered at once, and its mail arrives', async () => {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
  const [, command = ''] = /```\n(curl -X POST localhost:3000\/send-email\/[^`]+)\n```/.exec(readme) ?? [];
  const here = command.replace('localhost:3000', fleet.address).replace('<API key>', API_KEY);
  // Not by curl, which not every machine has.
  const { url, ...request } = curlRequestOf(here);
  const response = await fetch(url, request);
  const { result } = (await response.json()) as { result: string };
  const [, id = ''] = /^accepted as ([0-9a-f-]{36}): /.exec(result) ?? [];
  expect(await untilStatus(id, 'sent')).toMatchObject({
    email: 'a@example.org',
    reply_to: 'ada@example.org',
  });
});

test('npm start prints no secret that was given: neither of the servers that were named nor API_KEY', () => {
  expect(fleet.output()).toMatch(/^ {2}AMQP +the RabbitMQ of RABBITMQ_URL {3}exchange tidings\.requests/m);
  expect(fleet.output()).toMatch(/^ {2}RabbitMQ management .* the login of RABBITMQ_MANAGEMENT_URL$/m);
  const { TIDINGS_TEST_RABBITMQ_URL: amqp = '', TIDINGS_TEST_RABBITMQ_MANAGEMENT_URL: management = '' } =
    process.env;
  for (const secret of [new URL(amqp).password, new URL(management).password, API_KEY])
    expect([secret, fleet.output().includes(secret)]).toEqual([secret, false]);
  expect(fleet.output()).not.toContain('amqp://');
});

test('the command line finds this fleet and its key by itself', async () => {
  const env = { TIDINGS_DATA_DIR: fleet.dataDir, TIDINGS_URL: '', TIDINGS_API_KEY: '', TIDINGS_KEY_FILE: '' };
  const args = ['send', '--email', 'cli@example.org', '-s', 'Hi', 'Hello', '--wait', '--timeout', '30'];
  const { code, stdout, stderr } = await startCli(args, { env }).ended;
  expect({ code, stderr }).toEqual({
    code: 0,
    stderr: expect.stringMatching(/^idempotency key \S+\n$/) as string,
  });
  expect(stdout).toContain('consumer:email');
});

test('an SMS and an in-app notification arrive', async () => {
  const sms = await send({ user_id: 'u1', type: 'sms', phone: '+15005550006', message: 'Code 1234' });
  const inApp = await send({ user_id: 'reader', type: 'in_app', message: 'Welcome' });
  await untilStatus(sms, 'sent');
  await untilStatus(inApp, 'sent');
  expect(fleet.sandbox.mailbox.texts()[0]).toMatchObject({ to: '+15005550006', body: 'Code 1234' });
  const unread = await fleet.call('GET', '/v1/users/reader/notifications/unread_count');
  expect(unread.json).toEqual({ unread_count: 1 });
});

test('against a server that answers 451: exactly six attempts, a dead letter, and after a manual retry it is sent and the queue is empty', async () => {
  const attemptsOf = (record: Record<string, unknown>) =>
    (record.timeline as { status: string }[]).filter(({ status }) => status === 'sending').length;
  fleet.sandbox.smtpFault = { refuse: { at: 'data', code: 451, message: '4.3.0 try again later' } };
  const id = await send(mail);
  const dead = await untilStatus(id, 'failed_permanently');
  expect([dead.attempt, dead.retry_count, attemptsOf(dead)]).toEqual([6, 5, 6]);
  expect(dead.error).toMatchObject({ code: '451' });
  await until(async () => (await deadLetters()) === 1);
  fleet.sandbox.smtpFault = undefined;
  expect((await fleet.call('POST', `/v1/notifications/${id}/retry`)).status).toBe(202);
  const sent = await untilStatus(id, 'sent');
  expect(attemptsOf(sent)).toBe(7);
  // The dead-letter queue follows the records after about ten seconds.
  await until(async () => (await deadLetters()) === 0, 30_000);
});

test('many dead letters are sent again with one call', async () => {
  const ids = await Promise.all(
    Array.from({ length: 5 }, () => send({ ...mail, email: 'bounce@example.org' })),
  );
  for (const id of ids) await untilStatus(id, 'failed_permanently');
  await until(async () => (await deadLetters()) === 5);
  const redriven = await fleet.call('POST', '/v1/dead-letters/retry', { filter: { code: '550' } });
  expect(redriven.json).toEqual({ matched: 5, changed: 5, dry_run: false });
  for (const id of ids) await until(async () => (await get(id)).attempt === 2);
});

test('what fails twice comes back and is sent', async () => {
  const record = await untilStatus(await send({ ...mail, email: 'flaky@example.org' }), 'sent');
  expect([record.attempt, record.retry_count]).toEqual([3, 2]);
});

test('an hour’s worth of sends that are due are sent at their time', async () => {
  const send_at = new Date(Date.now() + 2_000).toISOString();
  const record = await untilStatus(await send({ ...mail, send_at }), 'sent');
  const lateMs = Date.parse(String(record.sent_at)) - Date.parse(send_at);
  expect(lateMs).toBeGreaterThanOrEqual(0);
  expect(lateMs).toBeLessThan(2_000);
});

describe('processes', () => {
  test('a service that is killed is started again, and what was waiting is delivered', async () => {
    const pid = fleet.pidOf('email');
    process.kill(pid, 'SIGKILL');
    const id = await send(mail);
    await untilStatus(id, 'sent');
    expect(fleet.output()).toMatch(/email ended \(SIGKILL\); starting it again in 500ms/);
  });

  test('every process runs twice at the same time without harm', async () => {
    const twins = await fleet.startTwins();
    const ids = await Promise.all([
      ...Array.from({ length: 20 }, (_, n) => send({ ...mail, user_id: `twin${n}` })),
      ...Array.from({ length: 20 }, () => send({ user_id: 'twin', type: 'in_app', message: 'Hi' })),
    ]);
    for (const id of ids) expect((await untilStatus(id, 'sent')).attempt).toBe(1);
    const twinMails = fleet.sandbox.mailbox.mails().filter(({ raw }) => ids.some((id) => raw.includes(id)));
    expect(twinMails).toHaveLength(20);
    await twins.stop();
  });

  test('the balance holds once everything is quiet', async () => {
    const balanced = async (): Promise<boolean> => {
      const stats = (await fleet.call('GET', '/stats')).json as {
        balance: { drift: number | null }[];
        unpublished: number;
      };
      return stats.unpublished === 0 && stats.balance.every(({ drift }) => drift === 0);
    };
    await until(balanced, 30_000);
  });
});
