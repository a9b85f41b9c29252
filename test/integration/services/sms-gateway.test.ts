import { afterEach, beforeEach, expect, test } from 'vitest';
import PostalMime from 'postal-mime';
import { createSmsChannel } from '../../../services/sms/channel.ts';
import type { Notification } from '../../../shared/contracts/index.ts';
import type { DeliveryChannel } from '../../../shared/delivery/index.ts';
import { readConfig } from '../../../shared/runtime/config.ts';
import { startMailServer, type MailServer } from '../../support/mail-servers.ts';
import { aRecord } from '../../support/records.ts';

let server: MailServer;
let channel: DeliveryChannel;
const never = new AbortController().signal;

beforeEach(async () => {
  server = await startMailServer();
  channel = channelWith({});
});
afterEach(async () => {
  await channel.stop?.();
  await server.stop();
});

function channelWith(more: Record<string, string>): DeliveryChannel {
  return createSmsChannel(
    readConfig({
      SMS_PROVIDERS: 'sms_gateway',
      SMTP_URL: server.url,
      SMS_GATEWAY_FROM: 'sms@tidings.example',
      ...more,
    }),
  );
}
const text = (more: Partial<Notification> = {}): Notification =>
  aRecord({
    type: 'sms',
    phone: '+12025550123',
    carrier: 'us_cellular',
    subject: 'no place for it',
    ...more,
  });
/** What arrived, first one first. */
const arrived = () =>
  Promise.all(
    server.sandbox.mailbox
      .mails()
      .toReversed()
      .map(({ raw }) => PostalMime.parse(raw)),
  );

test('a text is a mail to the carrier of its number: plain, without a subject, from the address for texts', async () => {
  const record = text({ message: 'Grüße für 5 €' });
  expect(await channel.deliver(record, never)).toMatchObject({
    kind: 'sent',
    provider: 'sms_gateway',
    provider_message_id: `<${record._id}.1@tidings.example>`,
    reason: '1 part(s) for the gateway',
  });
  const [mail] = await arrived();
  expect(server.sandbox.mailbox.mails()[0]?.envelope).toEqual({
    from: 'sms@tidings.example',
    to: ['2025550123@email.uscc.net'],
  });
  expect([mail?.subject, mail?.html, mail?.text?.trim()]).toEqual([undefined, undefined, 'Grüße für 5 €']);
});

test('a long one is cut, and each part says which of how many it is', async () => {
  const record = text({ message: 'ab'.repeat(200) });
  expect(await channel.deliver(record, never)).toMatchObject({
    kind: 'sent',
    reason: '3 part(s) for the gateway',
  });
  const mails = await arrived();
  expect(mails.map(({ text: words }) => words?.trim().slice(0, 5))).toEqual(['1/3 a', '2/3 a', '3/3 a']);
  expect(mails.every(({ text: words }) => (words?.trim().length ?? 0) <= 160)).toBe(true);
  expect(mails.map(({ messageId }) => messageId)).toEqual(
    [1, 2, 3].map((part) => `<${record._id}.${part}@tidings.example>`),
  );
});

test('an attempt that fails among the parts is ambiguous, goes to nobody else, and goes on where it ended', async () => {
  server.sandbox.beforeAnswer = () => {
    if (server.taken() === 1)
      server.sandbox.smtpFault = { refuse: { at: 'rcpt', code: 451, message: '4.3.0 later' } };
  };
  await channel.stop?.();
  channel = channelWith({
    SMS_PROVIDERS: 'sms_gateway,twilio',
    TWILIO_ACCOUNT_SID: `AC${'a'.repeat(32)}`,
    TWILIO_AUTH_TOKEN: 'token',
    TWILIO_PHONE_NUMBER: '+15005550006',
    TWILIO_API_BASE_URL: `http://127.0.0.1:${server.sandbox.httpPort}`,
  });
  const record = text({ message: 'a'.repeat(400) });
  expect(await channel.deliver(record, never)).toMatchObject({
    kind: 'ambiguous',
    provider: 'sms_gateway',
    code: '451',
    reason: expect.stringMatching(/^1 of 3 parts were handed over; then: /) as string,
  });
  server.sandbox.smtpFault = undefined;
  server.sandbox.beforeAnswer = undefined;
  expect(await channel.deliver(record, never)).toMatchObject({ kind: 'sent' });
  expect((await arrived()).map(({ text: words }) => words?.slice(0, 3))).toEqual(['1/3', '2/3', '3/3']);
  expect(server.sandbox.mailbox.texts()).toEqual([]);
});

test.each([
  ['without a carrier', { carrier: undefined }, 'carrier_missing'],
  ['to a carrier that nobody knows', { carrier: 'nobody' }, 'carrier_unknown'],
  ['to a number that is not the carrier’s', { phone: '+447911123456' }, 'carrier_country'],
  ['with what no plain text carries', { message: 'жжж' }, 'not_plain_text'],
])('%s nothing leaves, and it says why', async (_what, more, code) => {
  expect(await channel.deliver(text(more as Partial<Notification>), never)).toMatchObject({
    kind: 'permanent',
    code,
  });
  expect(server.taken()).toBe(0);
});

test('what the gateway cannot take goes to the next one, and the gateway takes over from one that is down', async () => {
  const twilio = {
    TWILIO_ACCOUNT_SID: `AC${'a'.repeat(32)}`,
    TWILIO_AUTH_TOKEN: 'token',
    TWILIO_PHONE_NUMBER: '+15005550006',
  };
  const url = `http://127.0.0.1:${server.sandbox.httpPort}`;
  const wrong = channelWith({
    ...twilio,
    TWILIO_API_BASE_URL: 'http://127.0.0.1:1',
    SMS_PROVIDERS: 'twilio,sms_gateway',
  });
  expect(await wrong.deliver(text({}), never)).toMatchObject({
    kind: 'sent',
    provider: 'sms_gateway',
    reason: expect.stringMatching(/^twilio: ECONNREFUSED: .*; sent by sms_gateway: 1 part/) as string,
  });
  // The account differs, so it is refused: asked it was.
  const first = channelWith({ ...twilio, TWILIO_API_BASE_URL: url, SMS_PROVIDERS: 'sms_gateway,twilio' });
  expect(await first.deliver(text({ message: 'ж' }), never)).toMatchObject({
    reason: expect.stringMatching(/^sms_gateway: a gateway carries no ж; twilio: Authenticate/) as string,
  });
  await Promise.all([wrong.stop?.(), first.stop?.()]);
});

test('what it needs is asked for at the start', () => {
  expect(() => createSmsChannel(readConfig({ SMS_PROVIDERS: 'sms_gateway' }))).toThrow(
    /SMTP_URL: is needed.*\nSMS_GATEWAY_FROM: is needed/,
  );
  expect(() => createSmsChannel(readConfig({ SMS_PROVIDERS: 'pigeon' }))).toThrow(
    'SMS_PROVIDERS: there is no provider pigeon; there are twilio, sms_gateway',
  );
});
