import twilio from 'twilio';
import type RequestClient from 'twilio/lib/base/RequestClient.js';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startSandbox, type Sandbox } from '../../../infra/local/sandbox/sandbox.ts';

const accountSid = `AC${'0'.repeat(32)}`;
const from = '+15005550006';
let sandbox: Sandbox;

/** The package's own client, with another address before the path. */
class RedirectedClient extends twilio.RequestClient {
  override request<T>(
    options: RequestClient.RequestOptions<T>,
  ): ReturnType<typeof RequestClient.prototype.request<T>> {
    const uri = options.uri.replace('https://api.twilio.com', `http://127.0.0.1:${sandbox.httpPort}`);
    return super.request({ ...options, uri });
  }
}
const clientWith = (authToken: string) =>
  twilio(accountSid, authToken, { httpClient: new RedirectedClient() });

beforeEach(async () => {
  sandbox = await startSandbox({ smtpPort: 0, httpPort: 0, accountSid, authToken: 'token' });
});
afterEach(() => sandbox.stop());

const send = (to: string, body = 'Code 1234') => clientWith('token').messages.create({ to, from, body });
const answerOf = async (to: string, body?: string) => {
  try {
    return (await send(to, body)).status;
  } catch (thrown) {
    const { status, code } = thrown as { status?: number; code?: number | string };
    return status === undefined ? code : [status, code];
  }
};
const post = (fields: Record<string, string>, authorization = basic('token')) =>
  fetch(`http://127.0.0.1:${sandbox.httpPort}/2010-04-01/Accounts/${accountSid}/Messages.json`, {
    method: 'POST',
    headers: { authorization },
    body: new URLSearchParams(fields),
  });
const basic = (token: string) => `Basic ${Buffer.from(`${accountSid}:${token}`).toString('base64')}`;

test('the real client sends, and finds its message again', async () => {
  const message = await send('+4915112345678', 'Grüße '.repeat(30));
  expect(message).toMatchObject({
    sid: expect.stringMatching(/^SM[0-9a-f]{32}$/) as string,
    ...{ accountSid, status: 'queued', direction: 'outbound-api', numSegments: '2', numMedia: '0' },
    ...{ from, to: '+4915112345678', errorCode: null, price: null, priceUnit: 'USD' },
  });
  expect(Math.abs(Date.now() - message.dateCreated.getTime())).toBeLessThan(60_000);
  expect(sandbox.mailbox.texts()).toMatchObject([{ id: message.sid, to: '+4915112345678', segments: 2 }]);
  expect((await clientWith('token').messages(message.sid).fetch()).body).toBe('Grüße '.repeat(30));
  await expect(clientWith('token').messages('SM0').fetch()).rejects.toMatchObject({
    status: 404,
    code: 20404,
  });
});
test('a wrong token, or somebody else’s account, is 401 with code 20003', async () => {
  await expect(clientWith('wrong').messages.create({ to: from, from, body: 'x' })).rejects.toMatchObject({
    status: 401,
    code: 20003,
  });
  const path = `/2010-04-01/Accounts/AC1/Messages.json`;
  const other = await fetch(`http://127.0.0.1:${sandbox.httpPort}${path}`, {
    method: 'POST',
    headers: { authorization: basic('token') },
  });
  expect(other.status).toBe(401);
  expect(sandbox.mailbox.texts()).toEqual([]);
});
test.each([
  ['+15005550001', 21211],
  ['+15005550002', 21612],
  ['+15005550003', 21408],
  ['+15005550004', 21610],
  ['+15005550009', 21614],
])('to %s is 400 with code %d', async (to, code) => {
  expect(await answerOf(to)).toEqual([400, code]);
  expect(sandbox.mailbox.texts()).toEqual([]);
});
test('the body of a refusal is Twilio’s', async () => {
  const response = await post({ From: from, Body: 'x' });
  expect(response.status).toBe(400);
  expect(await response.json()).toEqual({
    code: 21604,
    message: "A 'To' phone number is required.",
    more_info: 'https://www.twilio.com/docs/errors/21604',
    status: 400,
  });
});
test('the magic numbers of the sandbox make faults, each as often as it says', async () => {
  const unavailable = [503, 20500];
  const answers = async (to: string, body: string, times: number) => {
    const all = [];
    for (let n = 0; n < times; n += 1) all.push(await answerOf(to, body));
    return all;
  };
  expect(await answers('+15005550101', 'one', 3)).toEqual([unavailable, unavailable, 'queued']);
  expect(await answers('+15005550101', 'two', 3)).toEqual([unavailable, unavailable, 'queued']);
  expect(await answers('+15005550102', 'one', 3)).toEqual(Array(3).fill([500, 20500]));
  expect(await answers('+15005550103', 'one', 2)).toEqual([[429, 20429], 'queued']);
  expect(await answers('+15005550105', 'one', 2)).toEqual(['ECONNRESET', 'queued']);
  expect(sandbox.mailbox.texts()).toHaveLength(4);
});
test('too many requests say when to come back', async () => {
  const response = await post({ To: '+15005550103', From: from, Body: 'x' });
  expect([response.status, response.headers.get('retry-after')]).toEqual([429, '5']);
});
test('a switched fault answers every SMS, until it is off', async () => {
  sandbox.smsFault = {
    refuse: { status: 503, code: 20503, message: 'Service Unavailable', retryAfterSeconds: 7 },
  };
  const response = await post({ To: from, From: from, Body: 'x' });
  expect([response.status, response.headers.get('retry-after')]).toEqual([503, '7']);
  sandbox.smsFault = undefined;
  expect(await answerOf(from)).toBe('queued');
});
test('what cannot be read or is not there is answered as Twilio would, not with a stack', async () => {
  const tooLong = await post({ To: from, From: from, Body: 'x'.repeat(200_000) });
  expect([tooLong.status, await tooLong.json()]).toEqual([400, expect.objectContaining({ status: 400 })]);
  const headers = { authorization: basic('token') };
  const path = `http://127.0.0.1:${sandbox.httpPort}/2010-04-01/Accounts/${accountSid}/Calls.json`;
  expect((await fetch(path, { headers })).status).toBe(404);
});
