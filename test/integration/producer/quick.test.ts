import PostalMime from 'postal-mime';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { holderOf } from '../../support/api-client.ts';
import { MailFleet } from '../../support/mail-fleet.ts';
import { until } from '../../support/until.ts';

let fleet: MailFleet;

beforeAll(async () => {
  fleet = await MailFleet.start({ ALLOWED_SENDERS: '@shop.example', SMS_COUNTRIES: 'US' });
});
beforeEach(() => {
  fleet.sandbox.mailbox.clear();
});
afterAll(async () => {
  await fleet.stop();
});

const call = (path: string, body: unknown, headers = {}) => fleet.producer.call('POST', path, body, headers);
/** Word by word the request of the document that these calls were taken from. */
const asDocumented = {
  email_to: 'string@example.org',
  email_from: 'someone@elsewhere.example',
  subject: 'string',
  message: 'string',
  user_id: 'string',
};
const ID = /[0-9a-f]{8}-[0-9a-f-]{27}/;

/** The id in the words of an answer. */
function idOf({ json }: { json: Record<string, unknown> }): string {
  return ID.exec(String(json.result))?.[0] ?? '';
}

test.each(['/send-email/', '/send-email', '/send-async/', '/send-async'])(
  'POST %s answers at once, and the mail arrives',
  async (path) => {
    const answer = await call(path, asDocumented);
    expect(answer.status).toBe(202);
    expect(Object.keys(answer.json)).toEqual(['result']);
    expect(answer.headers.get('location')).toBe(`/v1/notifications/${idOf(answer)}`);
    await fleet.sandbox.mailbox.waitFor((item) => item.kind === 'mail', 15_000);
    const parsed = await PostalMime.parse(fleet.sandbox.mailbox.mails()[0]?.raw ?? '');
    expect(parsed).toMatchObject({
      subject: 'string',
      to: [{ address: 'string@example.org' }],
      from: { name: 'Tidings', address: 'tidings@localhost.example' },
      replyTo: [{ address: 'someone@elsewhere.example' }],
    });
    expect(parsed.text?.trim()).toBe('string');
  },
);

test.each([
  ['one of the allowed', 'Shop <orders@shop.example>', { from: 'Shop <orders@shop.example>' }],
  ['another one', 'Ada <ada@elsewhere.example>', { reply_to: 'ada@elsewhere.example' }],
  ['none', undefined, {}],
])('a sender that is %s', async (_which, email_from, expected) => {
  const _id = idOf(await call('/send-email/', { ...asDocumented, email_from }));
  const { from, reply_to } = await until(() =>
    fleet.notifications.findOne({ _id }).then((one) => one ?? undefined),
  );
  expect({ from, reply_to }).toEqual({ from: undefined, reply_to: undefined, ...expected });
});

test('an SMS is a notification like any other', async () => {
  const answer = await call('/send-sms/', { phone: '+12025550123', message: 'Code 1234', user_id: 'u1' });
  expect(answer.status).toBe(202);
  const { json } = await fleet.producer.call('GET', `/v1/notifications/${idOf(answer)}`);
  expect(json).toMatchObject({ type: 'sms', phone: '+12025550123', message: 'Code 1234', user_id: 'u1' });
});

test('an SMS may name its carrier', async () => {
  const text = { phone: '+12025550123', message: 'Code 1234', user_id: 'u1', carrier: 'verizon' };
  const answer = await call('/send-sms/', text);
  const { json } = await fleet.producer.call('GET', `/v1/notifications/${idOf(answer)}`);
  expect(json).toMatchObject({ carrier: 'verizon' });
  const unknown = await call('/send-sms/', { ...text, carrier: 'nobody' });
  expect([unknown.status, unknown.json.errors]).toMatchObject([400, [{ field: 'carrier' }]]);
});

test.each([
  ['/send-email/', {}, ['email_to', 'message', 'user_id']],
  ['/send-email/', { ...asDocumented, email_to: 'nobody' }, ['email_to']],
  ['/send-email/', { ...asDocumented, email_from: 'a, b' }, ['email_from']],
  ['/send-email/', { ...asDocumented, subject: 'a\r\nBcc: b@example.org' }, ['subject']],
  ['/send-email/', { ...asDocumented, email: 'a@example.org' }, ['email']],
  ['/send-async/', { ...asDocumented, message: 5 }, ['message']],
  ['/send-sms/', {}, ['message', 'phone', 'user_id']],
  ['/send-sms/', { phone: '+12025550123', message: 'x'.repeat(1_601), user_id: 'u1' }, ['message']],
  ['/send-sms/', { phone: '+442079460123', message: 'Hi', user_id: 'u1' }, ['phone']],
])('%s %j names its own fields', async (path, body, fields) => {
  const answer = await call(path, body);
  expect(answer.status).toBe(400);
  expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
  const errors = answer.json.errors as { field: string; message: string }[];
  expect(errors.map(({ field }) => field).sort()).toEqual(fields);
});

test('a missing field is said to be missing', async () => {
  const { json } = await call('/send-sms/', { message: 'Hi', user_id: 'u1' });
  expect(json.errors).toEqual([{ field: 'phone', message: 'is required' }]);
});

test('a key makes it repeatable, by either address, and with nothing else', async () => {
  const key = { 'idempotency-key': 'quick-1' };
  const first = await call('/send-email/', asDocumented, key);
  const again = await call('/send-async', asDocumented, key);
  expect(again.json).toEqual(first.json);
  expect(again.headers.get('idempotency-replayed')).toBe('true');
  expect((await call('/send-email/', { ...asDocumented, subject: 'other' }, key)).status).toBe(422);
});

test.each(['/send-email/', '/send-email'])('%s is for those who may send, by POST only', async (path) => {
  expect((await call(path, asDocumented, { authorization: '' })).status).toBe(401);
  const reader = await holderOf(fleet.producer, 'read');
  expect((await reader.call('POST', path, asDocumented)).status).toBe(403);
  const texter = await holderOf(fleet.producer, 'send:sms');
  expect((await texter.call('POST', path, asDocumented)).status).toBe(403);
  const get = await fleet.producer.call('GET', path);
  expect([get.status, get.headers.get('allow')]).toEqual([405, 'POST']);
});

test('they are in the document that /docs shows', async () => {
  const { json } = await fleet.producer.call('GET', '/openapi.json');
  expect(Object.keys(json.paths as object)).toEqual(
    expect.arrayContaining(['/send-email/', '/send-async/', '/send-sms/']),
  );
});

test('1 000 requests at once are 1 000 mails, each once', async () => {
  const others = { type: 'email', status: { $ne: 'sent' } } as const;
  await until(async () => (await fleet.notifications.countDocuments(others)) === 0);
  fleet.sandbox.mailbox.clear();
  const recipients = Array.from({ length: 1_000 }, (_, n) => `person-${n}@example.org`);
  const answers = await Promise.all(
    recipients.map((email_to) => call('/send-email/', { ...asDocumented, email_to, user_id: email_to })),
  );
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]));
  expect(new Set(answers.map(idOf)).size).toBe(1_000);
  const _ids = answers.map(idOf);
  await until(
    async () => (await fleet.notifications.countDocuments({ _id: { $in: _ids }, status: 'sent' })) === 1_000,
    60_000,
  );
  const arrived = fleet.sandbox.mailbox.mails().map(({ envelope }) => envelope.to[0]);
  // The mailbox holds a thousand: a second copy of one would have pushed another one out.
  expect(arrived).toHaveLength(1_000);
  expect(new Set(arrived)).toEqual(new Set(recipients));
}, 90_000);
