import { afterAll, beforeAll, expect, test } from 'vitest';
import { startSandbox, type Sandbox } from '../../../infra/local/sandbox/sandbox.ts';
import { createEmailChannel } from '../../../services/email/channel.ts';
import { createSmsChannel } from '../../../services/sms/channel.ts';
import { Books, countAll, notificationsOf, openStore } from '../../../shared/store/index.ts';
import type { Service } from '../../../shared/runtime/service.ts';
import { startTestChannel, startTestProducer, testConfig, type TestProducer } from '../../support/fleet.ts';
import { createTestServers, type TestServers } from '../../support/servers.ts';
import { until } from '../../support/until.ts';

const accountSid = `AC${'a'.repeat(32)}`;
let servers: TestServers;
let sandbox: Sandbox;
let producer: TestProducer;
let consumers: Service[];

beforeAll(async () => {
  servers = await createTestServers();
  sandbox = await startSandbox({ smtpPort: 0, httpPort: 0, accountSid, authToken: 'token' });
  const config = testConfig(servers, {
    SMTP_URL: `smtp://127.0.0.1:${sandbox.smtpPort}`,
    SMS_PROVIDERS: 'twilio,sms_gateway',
    SMS_GATEWAY_FROM: 'sms@tidings.example',
    TWILIO_ACCOUNT_SID: accountSid,
    TWILIO_AUTH_TOKEN: 'token',
    TWILIO_PHONE_NUMBER: '+15005550006',
    TWILIO_API_BASE_URL: `http://127.0.0.1:${sandbox.httpPort}`,
  });
  producer = await startTestProducer(config);
  consumers = await Promise.all(
    [createEmailChannel(config), createSmsChannel(config)].map((channel) =>
      startTestChannel(config, channel),
    ),
  );
});
afterAll(async () => {
  await Promise.all(consumers.map((consumer) => consumer.stop()));
  await producer.stop();
  await sandbox.stop();
  await servers.drop();
});

async function send(to: object): Promise<string> {
  const { status, json } = await producer.call('POST', '/v1/notifications', {
    ...{ user_id: 'u1', message: 'Hello' },
    ...to,
  });
  expect(status).toBe(202);
  return String(json.id);
}
const mailTo = (email: string) => send({ type: 'email', email });
const get = async (id: string) => (await producer.call('GET', `/v1/notifications/${id}`)).json;
const untilStatus = (id: string, status: string) =>
  until(async () => {
    const record = await get(id);
    return record.status === status && record;
  });
async function suppressionsOf(address: string): Promise<unknown> {
  const path = `/v1/suppressions?address=${encodeURIComponent(address)}`;
  return (await producer.call('GET', path)).json.suppressions;
}

test('an address that a mail server does not know for good is suppressed by the refusal itself', async () => {
  const first = await mailTo('nobody@example.org');
  const dead = await untilStatus(first, 'failed_permanently');
  expect(dead).toMatchObject({
    error: { code: '550', reason: expect.stringMatching(/5\.1\.1.*; the address is suppressed$/) as string },
  });
  expect(await suppressionsOf('nobody@example.org')).toMatchObject([
    { channel: 'email', code: '5.1.1', actor: 'consumer:email', notification_id: first },
  ]);
  await untilStatus(await mailTo('nobody@example.org'), 'suppressed');
});

test('a dead letter that is sent again while its address is suppressed stays one, and is handed over once that is lifted', async () => {
  const address = 'nobody+back@example.org';
  const id = await mailTo(address);
  await untilStatus(id, 'failed_permanently');
  await producer.call('POST', `/v1/notifications/${id}/retry`);
  await until(async () => {
    const { status, error } = (await get(id)) as { status: string; error?: { code: string } };
    return status === 'failed_permanently' && error?.code === 'recipient_suppressed';
  });
  expect((await producer.call('DELETE', `/v1/suppressions/email/${address}`)).status).toBe(200);
  await producer.call('POST', `/v1/notifications/${id}/retry`);
  // The server is asked once more; it has not changed its mind.
  await until(async () => ((await get(id)).error as { code: string }).code === '550');
  expect(await suppressionsOf(address)).toHaveLength(1);
});

test('what was suppressed can be retried once the suppression is removed, and the counts stay right', async () => {
  const address = 'back@example.org';
  const body = { channel: 'email', address, reason: 'test' };
  await producer.call('POST', '/v1/suppressions', body);
  const id = await mailTo(address);
  await untilStatus(id, 'suppressed');
  const store = openStore(servers.mongoUri, 'test');
  try {
    const books = new Books(store.db);
    await books.recount();
    await producer.call('POST', '/v1/suppressions/remove', { filter: { code: 'by_hand' }, reason: 'test' });
    const { status, json } = await producer.call('POST', `/v1/notifications/${id}/retry`);
    expect([status, json.status]).toEqual([202, 'pending']);
    const { timeline } = await untilStatus(id, 'sent');
    expect((timeline as { status: string }[]).map((entry) => entry.status)).toEqual([
      ...['pending', 'sending', 'suppressed', 'pending', 'sending', 'sent'],
    ]);
    await books.keep();
    const kept = await books.read();
    expect(kept?.counts).toEqual((await countAll(notificationsOf(store.db))).counts);
    // A record whose retention is about to end is not sent again: it is being deleted.
    await store.db
      .collection<{ _id: string }>('notifications')
      .updateOne({ _id: id }, { $set: { status: 'suppressed', delete_at: new Date(Date.now() + 5_000) } });
    expect((await producer.call('POST', `/v1/notifications/${id}/retry`)).status).toBe(404);
  } finally {
    await store.stop();
  }
});

test.each([
  ['refused for what it says', { type: 'email', email: 'bounce@example.org' }],
  ['a number that cannot be reached from here', { type: 'sms', phone: '+15005550002' }],
  ['a gateway without such a mailbox', { type: 'sms', phone: '+12025550123', via: 'sms_gateway' }],
])('nothing is suppressed by %s', async (_what, to) => {
  const viaGateway = { refuse: { at: 'rcpt', code: 550, message: '5.1.1 no such mailbox' } } as const;
  sandbox.smtpFault = 'via' in to ? viaGateway : undefined;
  const more = 'via' in to ? { carrier: 'us_cellular' } : {};
  await untilStatus(await send({ ...to, ...more }), 'failed_permanently');
  sandbox.smtpFault = undefined;
  expect(await suppressionsOf('email' in to ? to.email : to.phone)).toEqual([]);
});

test.each([
  ['21610', '+15005550004'],
  ['21614', '+15005550009'],
])('a number that Twilio refuses by %s is suppressed', async (code, phone) => {
  await untilStatus(await send({ type: 'sms', phone }), 'failed_permanently');
  expect(await suppressionsOf(phone)).toMatchObject([{ channel: 'sms', code, actor: 'consumer:sms' }]);
  await untilStatus(await send({ type: 'sms', phone }), 'suppressed');
});
