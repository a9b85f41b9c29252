import { getExpectedTwilioSignature } from 'twilio/lib/webhooks/webhooks.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePort } from '../../../infra/local/ports.ts';
import { startSandbox, type Sandbox } from '../../../infra/local/sandbox/sandbox.ts';
import { createSmsChannel } from '../../../services/sms/channel.ts';
import { STATUS_CALLBACK_PATH } from '../../../shared/contracts/index.ts';
import type { Service } from '../../../shared/runtime/service.ts';
import { openStore, suppressionIdOf } from '../../../shared/store/index.ts';
import {
  startTestChannel,
  startTestProducer,
  startTestScheduler,
  testConfig,
  type TestProducer,
} from '../../support/fleet.ts';
import { createTestServers, type TestServers } from '../../support/servers.ts';
import { until } from '../../support/until.ts';

/** What Twilio reports of SMS: through the sandbox, which really calls back, and by hand. */
const TOKEN = 'the-token-of-the-account';
const ACCOUNT = `AC${'c'.repeat(32)}`;
const USUAL = '+15005550006';
const SWITCHED_OFF = '+15005550106';
const NO_SUCH_NUMBER = '+15005550107';
const OVERTAKING = '+15005550108';

let servers: TestServers;
let sandbox: Sandbox;
let producer: TestProducer;
let others: Service[];
let callbackUrl: string;

beforeAll(async () => {
  servers = await createTestServers();
  sandbox = await startSandbox({ smtpPort: 0, httpPort: 0, accountSid: ACCOUNT, authToken: TOKEN });
  const port = await freePort();
  callbackUrl = `http://127.0.0.1:${port}${STATUS_CALLBACK_PATH}`;
  const config = testConfig(servers, {
    PORT: String(port),
    TWILIO_ACCOUNT_SID: ACCOUNT,
    TWILIO_AUTH_TOKEN: TOKEN,
    TWILIO_PHONE_NUMBER: '+15005550006',
    TWILIO_API_BASE_URL: `http://127.0.0.1:${sandbox.httpPort}`,
    TWILIO_STATUS_CALLBACK_URL: callbackUrl,
    ADDRESS_REQUESTS_PER_SECOND: '0',
  });
  producer = await startTestProducer(config);
  others = [await startTestChannel(config, createSmsChannel(config)), await startTestScheduler(config)];
});
afterAll(async () => {
  await Promise.all(others.map((one) => one.stop()));
  await producer.stop();
  await sandbox.stop();
  await servers.drop();
});

interface Shown {
  status: string;
  timeline: { status: string; actor: string; code?: string }[];
  error?: { code: string };
  provider_message_id?: string;
}
const get = async (id: string) =>
  (await producer.call('GET', `/v1/notifications/${id}`)).json as unknown as Shown;
async function send(phone: string, message = 'Code 1234'): Promise<string> {
  const body = { user_id: 'u1', type: 'sms', phone, message };
  const { status, json } = await producer.call('POST', '/v1/notifications', body);
  expect(status).toBe(202);
  return String(json.id);
}
const untilStatus = (id: string, status: string) =>
  until(async () => {
    const record = await get(id);
    return record.status === status && record;
  });
const textsTo = (phone: string) => sandbox.mailbox.texts().filter(({ to }) => to === phone);
const isSuppressed = async (address: string) => {
  const path = `/v1/suppressions?address=${encodeURIComponent(address)}`;
  const { json } = await producer.call('GET', path);
  return (json as { suppressions: object[] }).suppressions.length > 0;
};

/** A callback as Twilio sends it, with anything changed on the way. */
async function callBack(
  id: string,
  fields: Record<string, string>,
  { token = TOKEN, signed = fields, signedId = id, signature = undefined as string | undefined } = {},
): Promise<{ status: number; json: Record<string, unknown> }> {
  const good = getExpectedTwilioSignature(token, `${callbackUrl}?id=${signedId}`, signed);
  const response = await fetch(`${callbackUrl}?id=${id}`, {
    method: 'POST',
    headers: { 'x-twilio-signature': signature ?? good },
    body: new URLSearchParams(fields),
  });
  return { status: response.status, json: (await response.json()) as Record<string, unknown> };
}

test('an SMS ends as delivered, and its timeline says who said so', async () => {
  const { timeline } = await untilStatus(await send(USUAL), 'delivered');
  expect(timeline.map(({ status, actor }) => [status, actor])).toEqual([
    ['pending', 'api'],
    ['sending', 'consumer:sms'],
    ['sent', 'consumer:sms'],
    ['delivered', 'callback:twilio'],
  ]);
});

test('a phone that is switched off makes it bounce, and is not suppressed', async () => {
  const record = await untilStatus(await send(SWITCHED_OFF), 'bounced');
  expect(record.error).toMatchObject({ code: '30003', provider: 'twilio' });
  expect(await isSuppressed(SWITCHED_OFF)).toBe(false);
});

test('a number that does not exist is suppressed: nothing more is handed over to it, until a person lifts that', async () => {
  const first = await untilStatus(await send(NO_SUCH_NUMBER), 'bounced');
  expect(first.error).toMatchObject({ code: '30005' });
  expect(await isSuppressed(NO_SUCH_NUMBER)).toBe(true);
  const second = await untilStatus(await send(NO_SUCH_NUMBER, 'again'), 'suppressed');
  expect(second.error).toMatchObject({ code: 'recipient_suppressed' });
  expect(textsTo(NO_SUCH_NUMBER)).toHaveLength(1);
  const path = `/v1/suppressions/sms/${encodeURIComponent(NO_SUCH_NUMBER)}`;
  expect((await producer.call('DELETE', path)).json).toMatchObject({
    address: NO_SUCH_NUMBER,
    code: '30005',
  });
  expect((await producer.call('DELETE', path)).status).toBe(404);
  await untilStatus(await send(NO_SUCH_NUMBER, 'once more'), 'bounced');
  expect(textsTo(NO_SUCH_NUMBER)).toHaveLength(2);
  const { json } = await producer.call('GET', '/v1/audit?act=suppression_lifted');
  expect(json.entries).toMatchObject([{ actor: 'api', detail: '30005' }]);
  // The audit outlives the person: no address is in it.
  expect(JSON.stringify(json)).not.toContain(NO_SUCH_NUMBER.slice(1));
});

test('what is reported before our own record of the hand-over waits, and is told once', async () => {
  const id = await send(OVERTAKING);
  const { timeline } = await untilStatus(id, 'delivered');
  expect(timeline.filter(({ status }) => status === 'delivered')).toHaveLength(1);
  // All reports have come when the last one has been answered.
  await until(() => textsTo(OVERTAKING)[0]?.status === 'queued');
  expect((await get(id)).status).toBe('delivered');
});

describe('a callback by hand', () => {
  const delivered = { MessageSid: 'SM1', MessageStatus: 'delivered' };
  const failed = { MessageSid: 'SM1', MessageStatus: 'undelivered', ErrorCode: '30005' };
  /** One that no report comes for: its provider is asked for no callbacks, because it is only in the store. */
  const settled = async () => {
    const id = await send(USUAL);
    await untilStatus(id, 'delivered');
    return id;
  };

  test.each([
    ['another token', { token: 'guessed' }],
    ['another body', { signed: delivered }],
    ['another notification', { signedId: 'another' }],
    ['no signature', { signature: '' }],
    ['a signature of another length', { signature: 'x'.repeat(1_000) }],
  ])('with %s is 403, and changes nothing', async (_what, forgery) => {
    const id = await send(USUAL);
    const { status, json } = await callBack(id, failed, forgery);
    expect([status, json.code]).toEqual([403, 'forbidden']);
    // Whoever asks without a signature need not know what stands in the settings.
    expect(JSON.stringify(json)).not.toContain(callbackUrl.replace(STATUS_CALLBACK_PATH, ''));
    await untilStatus(id, 'delivered');
    expect(await isSuppressed(USUAL)).toBe(false);
  });
  test('that says undelivered after delivered, or that another hand-over arrived as well, is noted, and moves nothing', async () => {
    const id = await settled();
    for (const fields of [failed, delivered])
      expect(await callBack(id, fields)).toMatchObject({ status: 200, json: { heard: 'unchanged' } });
    const { timeline } = await get(id);
    expect(timeline.at(-1)?.status).toBe('delivered');
    expect(timeline.slice(4).map(({ code }) => code)).toEqual(['reported_bounced', 'reported_delivered']);
    expect(await isSuppressed(USUAL)).toBe(false);
  });
  test('that says nothing final, or what Twilio does not say today, changes nothing', async () => {
    const id = await settled();
    for (const MessageStatus of ['queued', 'sending', 'sent', 'teleported'])
      expect(await callBack(id, { MessageSid: 'SM1', MessageStatus, NewField: 'x' })).toMatchObject({
        status: 200,
        json: { heard: 'unchanged' },
      });
  });
  test('for what is not there is 404', async () => {
    expect((await callBack('nothing', delivered)).status).toBe(404);
  });
  test('without its fields is 400, and says which', async () => {
    const { status, json } = await callBack('x', { MessageSid: 'SM1' });
    expect([status, json.errors]).toMatchObject([400, [{ field: 'MessageStatus' }]]);
  });
});

describe('a text of a recipient', () => {
  const inboundUrl = () => callbackUrl.replace(/status$/, 'inbound');
  const usual = { MessageSid: 'SM9', To: '+15005550006' };
  async function text(fields: Record<string, string>, token = TOKEN) {
    const form = { ...usual, ...fields };
    const response = await fetch(inboundUrl(), {
      method: 'POST',
      headers: { 'x-twilio-signature': getExpectedTwilioSignature(token, inboundUrl(), form) },
      body: new URLSearchParams(form),
    });
    const { status, headers } = response;
    return { status, type: headers.get('content-type'), body: await response.text() };
  }
  const audited = async (act: string, address: string) => {
    const subject = encodeURIComponent(`suppression:${suppressionIdOf('sms', address)}`);
    const { json } = await producer.call('GET', `/v1/audit?act=${act}&subject=${subject}`);
    return json.entries as object[];
  };
  let number = 2_025_550_150;
  const aNumber = () => `+1${(number += 1)}`;

  test('STOP suppresses the number, START removes that, both are audited, and nothing is answered', async () => {
    const From = aNumber();
    expect(await text({ From, Body: 'Stop' })).toEqual({
      status: 200,
      type: 'text/xml; charset=utf-8',
      body: expect.stringMatching(/<Response><\/Response>$/) as string,
    });
    expect(await isSuppressed(From)).toBe(true);
    await text({ From, Body: 'STOP' });
    expect(await audited('suppression_added', From)).toMatchObject([
      { actor: 'callback:twilio', detail: '21610' },
    ]);
    await untilStatus(await send(From), 'suppressed');
    await text({ From, Body: ' start ' });
    expect(await isSuppressed(From)).toBe(false);
    expect(await audited('suppression_lifted', From)).toHaveLength(1);
    await untilStatus(await send(From), 'delivered');
  });
  test.each([
    ['STOPALL', {}],
    ['unsubscribe', {}],
    ['CANCEL', {}],
    ['End', {}],
    ['QUIT', {}],
    ['OPTOUT', {}],
    ['ARRÊT', { OptOutType: 'STOP' }],
  ])('%s %j suppresses', async (Body, more) => {
    const From = aNumber();
    await text({ From, Body, ...more });
    expect(await isSuppressed(From)).toBe(true);
  });
  test.each([
    ['HELP', {}],
    ['please stop', {}],
    // Twilio signs what it says, so a form is read as it is.
    ['write to ada@example.org', {}],
    [' ada@example.org', {}],
    ['STOP', { OptOutType: 'HELP' }],
    ['START', {}],
    ['', {}],
  ])('%s %j suppresses nothing', async (Body, more) => {
    const From = aNumber();
    expect((await text({ From, Body, ...more })).status).toBe(200);
    expect(await isSuppressed(From)).toBe(false);
  });
  test('START leaves a number suppressed that does not exist; STOP outweighs that', async () => {
    const From = aNumber();
    const status = { MessageSid: 'SM1', MessageStatus: 'undelivered', ErrorCode: '30005' };
    const id = await send(From);
    await untilStatus(id, 'delivered');
    const store = openStore(servers.mongoUri, 'test');
    await store.db
      .collection<{ _id: string }>('notifications')
      .updateOne({ _id: id }, { $set: { status: 'sent' }, $unset: { provider_message_id: '' } });
    await store.stop();
    await callBack(id, status);
    await text({ From, Body: 'START' });
    expect(await isSuppressed(From)).toBe(true);
    await text({ From, Body: 'STOP' });
    await text({ From, Body: 'START' });
    expect(await isSuppressed(From)).toBe(false);
  });
  test('of another sender than a number changes nothing', async () => {
    expect((await text({ From: 'whatsapp:+12025550199', Body: 'STOP' })).status).toBe(200);
    expect(await isSuppressed('whatsapp:+12025550199')).toBe(false);
  });
  test('with another signature is 403, and suppresses nothing', async () => {
    const From = aNumber();
    expect((await text({ From, Body: 'STOP' }, 'guessed')).status).toBe(403);
    expect(await isSuppressed(From)).toBe(false);
  });
  test('without a sender is 400', async () => {
    expect((await text({ Body: 'STOP' })).status).toBe(400);
  });
});

test('where no account is configured, the answer says what is missing', async () => {
  const bare = await startTestProducer(testConfig(servers));
  try {
    const response = await fetch(`${bare.address}${STATUS_CALLBACK_PATH}?id=x`, {
      method: 'POST',
      body: new URLSearchParams({ MessageSid: 'SM1', MessageStatus: 'sent' }),
    });
    expect([response.status, await response.text()]).toEqual([
      404,
      expect.stringContaining('TWILIO_AUTH_TOKEN') as string,
    ]);
  } finally {
    await bare.stop();
  }
});
