import { randomUUID } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import nodemailer from 'nodemailer';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { reportMail } from '../../../infra/local/sandbox/delivery-reports.ts';
import { freePort } from '../../../infra/local/ports.ts';
import { startSandbox, type Sandbox } from '../../../infra/local/sandbox/sandbox.ts';
import { createEmailChannel } from '../../../services/email/channel.ts';
import type { Config } from '../../../shared/runtime/config.ts';
import type { Service } from '../../../shared/runtime/service.ts';
import { ReturnPaths } from '../../../shared/smtp/return-path.ts';
import { TcpProxy } from '../../../infra/chaos/tcp-proxy.ts';
import { holderOf } from '../../support/api-client.ts';
import { startTestChannel, startTestProducer, testConfig, type TestProducer } from '../../support/fleet.ts';
import { createTestServers, mongoAt, type TestServers } from '../../support/servers.ts';
import { until } from '../../support/until.ts';

/** Mail that comes back: through the sandbox, which really reports, and by hand, over SMTP and HTTP. */
const BOUNCING = {
  BOUNCE_DOMAIN: 'bounces.example.org',
  BOUNCE_SECRET: 'a-secret-for-the-tests-only',
  BOUNCE_PORT: '0',
};
const paths = ReturnPaths.of(BOUNCING) ?? fail();

let servers: TestServers;
let sandbox: Sandbox;
let producer: TestProducer;
let consumer: Service;
let config: Config;
let bouncePort: number;

beforeAll(async () => {
  servers = await createTestServers();
  bouncePort = await freePort();
  const account = { accountSid: `AC${'d'.repeat(32)}`, authToken: 'token' };
  sandbox = await startSandbox({ smtpPort: 0, httpPort: 0, bouncePort, ...account });
  config = testConfig(servers, {
    ...BOUNCING,
    BOUNCE_PORT: String(bouncePort),
    SMTP_URL: `smtp://127.0.0.1:${sandbox.smtpPort}`,
  });
  producer = await startTestProducer(config);
  consumer = await startTestChannel(config, createEmailChannel(config));
});
afterAll(async () => {
  await consumer.stop();
  await producer.stop();
  await sandbox.stop();
  await servers.drop();
});

function fail(): never {
  throw new Error('the settings make no return paths');
}

interface Shown {
  status: string;
  timeline: { status: string; actor: string; code?: string; reason?: string }[];
}
const get = async (id: string) =>
  (await producer.call('GET', `/v1/notifications/${id}`)).json as unknown as Shown;
async function send(email: string): Promise<string> {
  const body = { user_id: 'u1', type: 'email', email, subject: 'Hi', message: 'Hello' };
  return String((await producer.call('POST', '/v1/notifications', body)).json.id);
}
const untilStatus = (id: string, status: string) =>
  until(async () => {
    const record = await get(id);
    return record.status === status && record;
  });
/** Each to an address of its own, unless one is given: what comes back suppresses it. */
async function sent(email = `${randomUUID()}@example.org`): Promise<string> {
  const id = await send(email);
  await untilStatus(id, 'sent');
  return id;
}
const isSuppressed = async (address: string) => {
  const { json } = await producer.call('GET', `/v1/suppressions?channel=email&address=${address}`);
  return (json as { suppressions: object[] }).suppressions.length > 0;
};

const FAILED = { action: 'failed', status: '5.1.1', diagnostic: '550 5.1.1 no such user' } as const;
type Report = Parameters<typeof reportMail>[0];
const reportAbout = (id: string, report: Partial<Report> = {}) =>
  reportMail({ recipient: 'ada@example.org', from: paths.for(id) ?? '', ...FAILED, ...report });
const pipe = (mail: string, query = '') =>
  producer.call('POST', `/v1/callbacks/email/dsn${query}`, mail, { 'content-type': 'message/rfc822' });

test('a mail carries a return path of its own, and one that comes back for good is bounced and its address suppressed', async () => {
  const id = await send('gone@example.org');
  const { timeline } = await untilStatus(id, 'bounced');
  expect(sandbox.mailbox.mails()[0]?.envelope).toEqual({ from: paths.for(id), to: ['gone@example.org'] });
  expect(timeline.at(-1)).toMatchObject({
    actor: 'callback:dsn',
    code: '5.1.1',
    reason: '550 5.1.1 no such user here',
  });
  expect(await isSuppressed('gone@example.org')).toBe(true);
  await untilStatus(await send('Gone@example.org'), 'suppressed');
});

test('one that comes back for now is bounced, and not suppressed; one that arrived is delivered', async () => {
  await untilStatus(await send('unreachable@example.org'), 'bounced');
  expect(await isSuppressed('unreachable@example.org')).toBe(false);
  await untilStatus(await send('received@example.org'), 'delivered');
});

describe('over HTTP', () => {
  test('a report bounces its notification, once', async () => {
    const id = await sent('by-http@example.org');
    const report = reportAbout(id, { recipient: 'By-HTTP@example.org' });
    expect((await pipe(report)).json).toEqual({ heard: 'moved' });
    expect((await pipe(report)).json).toEqual({ heard: 'unchanged' });
    expect((await get(id)).timeline.filter(({ status }) => status === 'bounced')).toHaveLength(1);
    expect(await isSuppressed('by-http@example.org')).toBe(true);
  });
  test.each([
    ['delayed', { ...FAILED, action: 'delayed', status: '4.4.1' }],
    ['relayed', { ...FAILED, action: 'relayed', status: '2.0.0' }],
  ] as const)('a report that it is %s changes nothing, and says why', async (action, report) => {
    const id = await sent();
    const { status, json } = await pipe(reportAbout(id, report));
    expect([status, json]).toEqual([
      200,
      { heard: 'unchanged', why: expect.stringContaining(action) as string },
    ]);
    expect((await get(id)).status).toBe('sent');
  });
  test('the answer of a robot changes nothing, and what is said about this mail only does not suppress', async () => {
    const id = await sent('policy@example.org');
    const robot = `To: ${paths.for(id) ?? ''}\r\nSubject: Away\r\nAuto-Submitted: auto-replied\r\n\r\n5.1.1 I am away\r\n`;
    expect((await pipe(robot)).json).toMatchObject({
      heard: 'unchanged',
      why: expect.stringContaining('robot') as string,
    });
    expect((await get(id)).status).toBe('sent');
    await pipe(reportAbout(id, { recipient: 'policy@example.org', status: '5.7.1' }));
    expect((await get(id)).status).toBe('bounced');
    expect(await isSuppressed('policy@example.org')).toBe(false);
  });
  test('a mail that is not understood is noted on the timeline, once, and changes nothing', async () => {
    const id = await sent();
    const words = `To: ${paths.for(id) ?? ''}\r\nSubject: Undeliverable\r\n\r\n550 5.1.1 no such user\r\n`;
    expect((await pipe(words)).json).toMatchObject({ heard: 'unchanged' });
    expect((await pipe(words)).json).toMatchObject({ heard: 'unchanged' });
    const { status, timeline } = await get(id);
    expect(status).toBe('sent');
    expect(timeline.filter(({ code }) => code === 'report_not_understood')).toMatchObject([
      { status: 'sent', actor: 'callback:dsn', reason: expect.stringContaining('"Undeliverable"') as string },
    ]);
  });
  test('a failed member of an alias bounces the notification, and does not suppress the alias', async () => {
    const id = await sent('alias@example.org');
    await pipe(reportAbout(id, { recipient: 'former.colleague@members.example.com' }));
    expect((await get(id)).status).toBe('bounced');
    expect(await isSuppressed('alias@example.org')).toBe(false);
  });
  test('an unescaped plus in recipient arrives as a space, and is read as plus', async () => {
    const id = await sent();
    const unescaped = `?recipient=${paths.for(id) ?? ''}`;
    expect(new URL(unescaped, 'http://localhost').searchParams.get('recipient')).toContain('bounce ');
    expect((await pipe(reportAbout(id), unescaped)).json).toEqual({ heard: 'moved' });
  });
  test('a report about a notification that is gone is accepted, and says so', async () => {
    expect((await pipe(reportAbout(randomUUID()))).json).toMatchObject({
      heard: 'unchanged',
      why: expect.stringContaining('not kept') as string,
    });
  });
  test('the address that it came to may be given apart', async () => {
    const id = await sent();
    const forwarded = reportAbout(id).replace(/^To: .*$/m, 'To: postmaster@example.org');
    const { status, json } = await pipe(forwarded);
    expect([status, json.errors]).toMatchObject([400, [{ field: 'recipient' }]]);
    const recipient = encodeURIComponent(paths.for(id)?.toUpperCase() ?? '');
    expect((await pipe(forwarded, `?recipient=${recipient}`)).json).toEqual({ heard: 'moved' });
  });
  test.each([
    ['guessed', (path: string) => path.replace(/-[0-9a-f]{24}@/, `-${'0'.repeat(24)}@`)],
    ['of another notification', (path: string) => path.replace(/\+[0-9a-f]{8}/, '+00000000')],
    ['of another domain', (path: string) => path.replace(/@.*/, '@example.com')],
  ])('a return path that is %s bounces nothing', async (_what, forge) => {
    const id = await sent();
    const path = forge(paths.for(id) ?? '');
    expect((await pipe(reportAbout(id), `?recipient=${encodeURIComponent(path)}`)).status).toBe(400);
    expect((await get(id)).status).toBe('sent');
  });
  test('it takes the scope, and the type', async () => {
    const mail = reportAbout(await sent());
    const type = { 'content-type': 'message/rfc822' };
    const send = await holderOf(producer, 'send', 'read', 'retry');
    expect((await send.call('POST', '/v1/callbacks/email/dsn', mail, type)).status).toBe(403);
    const feedback = await holderOf(producer, 'feedback');
    expect((await feedback.call('POST', '/v1/callbacks/email/dsn', mail, type)).status).toBe(200);
    const asJson = await producer.call('POST', '/v1/callbacks/email/dsn', {});
    expect([asJson.status, asJson.json.detail]).toEqual([
      415,
      expect.stringContaining('message/rfc822') as string,
    ]);
  });
  test('what is no mail at all is answered', async () => {
    for (const garbage of ['\u0000\u0001', 'x'.repeat(70_000), `To: ${'a@b,'.repeat(5_000)}\r\n\r\n`])
      expect((await pipe(garbage)).status).toBe(400);
  });
});

describe('over SMTP', () => {
  const bounceTo = async (to: string, raw: string) => {
    const transport = nodemailer.createTransport({ host: '127.0.0.1', port: bouncePort, ignoreTLS: true });
    try {
      return (await transport.sendMail({ envelope: { from: '', to }, raw })).response;
    } catch (thrown) {
      return (thrown as { response?: string }).response;
    } finally {
      transport.close();
    }
  };
  test('what it answers 250 is in the store', async () => {
    const id = await sent('by-smtp@example.org');
    const report = reportAbout(id, { recipient: 'by-smtp@example.org' });
    expect(await bounceTo(paths.for(id) ?? '', report)).toMatch(/^250/);
    expect((await get(id)).status).toBe('bounced');
    expect(await isSuppressed('by-smtp@example.org')).toBe(true);
  });
  test.each(['postmaster@bounces.example.org', 'bounce+x@bounces.example.org', 'ada@elsewhere.example'])(
    'mail to %s is not taken, and the answer says why',
    async (to) => {
      expect(await bounceTo(to, reportAbout(await sent()))).toBe(
        '550 5.1.1 no mail of ours has this return path',
      );
    },
  );
  test('one that is too large is refused', async () => {
    const id = await sent();
    expect(await bounceTo(paths.for(id) ?? '', reportAbout(id) + 'x'.repeat(4 * 1024 * 1024))).toMatch(
      /^552/,
    );
    expect((await get(id)).status).toBe('sent');
  });
  test('more connections than it takes are told to come again, and it goes on', async () => {
    const sockets = await Promise.all(Array.from({ length: 60 }, greeted));
    const refused = sockets.filter(({ greeting }) => greeting.startsWith('421'));
    expect(refused.length).toBeGreaterThanOrEqual(10);
    for (const { socket } of sockets) socket.destroy();
    const id = await sent('after-a-flood@example.org');
    await until(async () => (await bounceTo(paths.for(id) ?? '', reportAbout(id)))?.startsWith('250'));
  });
  test('while the store is away it answers 451, and nothing is lost', async () => {
    const proxy = await TcpProxy.start(Number(new URL(servers.mongoUri).port));
    const through = mongoAt(proxy.port, servers.mongoUri);
    const away = await startTestProducer({ ...config, MONGO_URI: through, PORT: 0, BOUNCE_PORT: 0 });
    const id = await sent('later@example.org');
    const to = paths.for(id) ?? '';
    const transport = nodemailer.createTransport({
      host: '127.0.0.1',
      port: away.bouncePort,
      ignoreTLS: true,
    });
    const deliver = () => transport.sendMail({ envelope: { from: '', to }, raw: reportAbout(id) });
    await proxy.stop();
    await expect(deliver()).rejects.toMatchObject({ responseCode: 451 });
    expect((await get(id)).status).toBe('sent');
    await away.stop();
    expect(await bounceTo(to, reportAbout(id))).toMatch(/^250/);
    expect((await get(id)).status).toBe('bounced');
  });
  test('a port that is taken is said by its setting', async () => {
    await expect(startTestProducer({ ...config, PORT: 0 })).rejects.toThrow(
      /^BOUNCE_PORT: \d+ of .* is taken/,
    );
  });
});

function greeted(): Promise<{ socket: Socket; greeting: string }> {
  return new Promise((resolve, reject) => {
    const socket = connect(bouncePort, '127.0.0.1');
    socket.once('error', reject).once('data', (bytes) => {
      resolve({ socket, greeting: bytes.toString() });
    });
  });
}

test('without a domain of its own mail has no return path, and the answer says what is missing', async () => {
  const bare = await startTestProducer(testConfig(servers));
  try {
    const { status, json } = await bare.call('POST', '/v1/callbacks/email/dsn', 'x', {
      'content-type': 'message/rfc822',
    });
    expect([status, json.detail]).toEqual([404, expect.stringContaining('BOUNCE_DOMAIN') as string]);
  } finally {
    await bare.stop();
  }
});
