import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createSmsChannel } from '../../../services/sms/channel.ts';
import { classifyGmailAnswer } from '../../../services/email/providers/gmail-answers.ts';
import type { DeliveryChannel } from '../../../shared/delivery/index.ts';
import { readConfig } from '../../../shared/runtime/config.ts';
import { aRecord } from '../../support/records.ts';

const AUTH_TOKEN = 'a-token-that-nobody-may-see';
let server: Server;
let channel: DeliveryChannel;
let answer = { status: 422, type: 'application/json', body: '' };

beforeAll(async () => {
  server = createServer((_request, response) => {
    response.writeHead(answer.status, { 'content-type': answer.type }).end(answer.body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  channel = createSmsChannel(
    readConfig({
      TWILIO_ACCOUNT_SID: `AC${'0'.repeat(32)}`,
      TWILIO_AUTH_TOKEN: AUTH_TOKEN,
      TWILIO_PHONE_NUMBER: '+15005550006',
      TWILIO_API_BASE_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    }),
  );
});
afterAll(async () => {
  await channel.stop?.();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const send = () =>
  channel.deliver(
    aRecord({ type: 'sms', phone: '+15005550006', message: 'Code 1' }),
    new AbortController().signal,
  );

test.each([
  [
    'application/json',
    '{"title":"Unprocessable","detail":"no such sender"}',
    'no such sender: Unprocessable',
  ],
  ['application/problem+json', '{"error":{"message":"no route"}}', 'no route'],
  ['text/plain', 'the sender is not registered', 'the sender is not registered'],
  ['text/html', '<html><h1>422 Unprocessable</h1></html>', '422 Unprocessable'],
  ['text/plain', `bad token ${AUTH_TOKEN}`, 'bad token ***'],
  ['text/plain', '', 'HTTP 422'],
])('an SMS API that answers 422 with %s %s is quoted', async (type, body, reason) => {
  answer = { status: 422, type, body };
  expect(await send()).toMatchObject({ kind: 'transient', code: 'http_422', reason });
});

test('the Gmail API, or what stands before it, is quoted as well', () => {
  const page = { status: 422, retryAfterSeconds: undefined, fields: {}, body: '<h1>Blocked by policy</h1>' };
  expect(classifyGmailAnswer(page)).toMatchObject({ code: 'http_422', reason: 'Blocked by policy' });
});

test('429 for concurrency is told from 429 for a rate', async () => {
  answer = {
    status: 429,
    type: 'application/json',
    body: '{"code":20429,"message":"Too many concurrent requests"}',
  };
  expect(await send()).toMatchObject({ kind: 'deferred', overLimit: true });
  answer.body = '{"code":20429,"message":"Too Many Requests"}';
  expect(await send()).not.toHaveProperty('overLimit');
  const error = {
    message: 'Too many concurrent requests for user',
    errors: [{ reason: 'rateLimitExceeded' }],
  };
  const crowded = { status: 429, retryAfterSeconds: undefined, fields: { error } };
  expect(classifyGmailAnswer(crowded)).toMatchObject({ kind: 'deferred', overLimit: true });
});
