import { describe, expect, test } from 'vitest';
import {
  fieldErrors,
  notificationRequestSchema,
  parseMessage,
  redriveRequestSchema,
} from '../../../shared/contracts/index.ts';

const valid = { user_id: 'u1', type: 'email', message: 'Hello', email: 'a@example.org' };

function fieldsOf(body: unknown): string[] {
  const result = notificationRequestSchema.safeParse(body);
  return result.success ? [] : fieldErrors(result.error).map(({ field }) => field);
}

describe('a notification request', () => {
  test('with the least that each type needs is taken', () => {
    expect(fieldsOf(valid)).toEqual([]);
    expect(fieldsOf({ user_id: 'u1', type: 'sms', message: 'Hi', phone: '+15005550006' })).toEqual([]);
    expect(fieldsOf({ user_id: 'u1', type: 'in_app', message: 'Hi' })).toEqual([]);
  });

  test.each([
    ['an address as long as its parts may be', { email: `${'a'.repeat(64)}@${'b'.repeat(63)}.example.org` }],
    ['a message of lines with tabs', { message: 'a\tb\r\nc\n' }],
    ['a subject beyond ASCII', { subject: 'Zoë\u00a0🙂' }],
  ])('with %s is taken', (_what, change) => {
    expect(fieldsOf({ ...valid, ...change })).toEqual([]);
  });

  const wrong: [string, Record<string, unknown>, string][] = [
    ['a missing user_id', { user_id: undefined }, 'user_id'],
    ['an empty user_id', { user_id: '' }, 'user_id'],
    ['a user_id with LF', { user_id: 'u\n1' }, 'user_id'],
    ['a user_id that is a number', { user_id: 5 }, 'user_id'],
    ['a user_id that is too long', { user_id: 'u'.repeat(257) }, 'user_id'],
    ['an unknown type', { type: 'fax' }, 'type'],
    ['a missing type', { type: undefined }, 'type'],
    ['a missing message', { message: undefined }, 'message'],
    ['an empty message', { message: '' }, 'message'],
    ['a message with NUL', { message: 'a\0b' }, 'message'],
    ['a message that is an object', { message: { $gt: '' } }, 'message'],
    ['a subject with CR LF', { subject: 'Hi\r\nBcc: x@example.org' }, 'subject'],
    ['a subject that is too long', { subject: 's'.repeat(999) }, 'subject'],
    ['an email without @', { email: 'nobody' }, 'email'],
    ['an email with LF', { email: 'a@example.org\nx' }, 'email'],
    ['an email that is too long', { email: `${'a'.repeat(250)}@example.org` }, 'email'],
    ['an email with 65 characters before the @', { email: `${'a'.repeat(65)}@example.org` }, 'email'],
    ['an email with 64 characters in a label', { email: `a@${'b'.repeat(64)}.example.org` }, 'email'],
    ['an email with a label that ends with -', { email: 'a@b.example-.org' }, 'email'],
    ['a user_id with C1', { user_id: 'u\u0085' }, 'user_id'],
    ['a message with DEL', { message: 'a\u007fb' }, 'message'],
    ['a missing email', { email: undefined }, 'email'],
    ['a phone that is no E.164', { phone: '0151 1234' }, 'phone'],
    ['a phone of no number plan', { phone: '+1999' }, 'phone'],
    ['an sms without phone', { type: 'sms', email: undefined }, 'phone'],
    [
      'an sms of 1 601 characters',
      { type: 'sms', phone: '+15005550006', message: 'x'.repeat(1601) },
      'message',
    ],
    ['html in an sms', { type: 'sms', phone: '+15005550006', html: '<p>' }, 'html'],
    ['data that is a list', { data: [] }, 'data'],
    ['data that is too large', { data: { a: 'x'.repeat(70_000) } }, 'data'],
    ['data with NUL in a key', { data: { 'a\0b': 1 } }, 'data'],
    ['an unknown lane', { lane: 'fast' }, 'lane'],
    ['a send_at without zone', { send_at: '2030-01-01T00:00:00' }, 'send_at'],
    ['an expires_at in the past', { expires_at: '2020-01-01T00:00:00Z' }, 'expires_at'],
    [
      'an expires_at before send_at',
      { send_at: '2099-01-02T00:00:00Z', expires_at: '2099-01-01T00:00:00Z' },
      'expires_at',
    ],
    ['an unknown on_ambiguous', { on_ambiguous: 'pray' }, 'on_ambiguous'],
    ['an unknown field', { colour: 'red' }, 'colour'],
  ];
  test.each(wrong)('with %s names the field', (_what, change, field) => {
    expect(fieldsOf({ ...valid, ...change })).toEqual([field]);
  });

  test('with several troubles names all of them, those between fields too', () => {
    expect(fieldsOf({ type: 'email', message: 5, extra: 1 }).sort()).toEqual([
      'email',
      'extra',
      'message',
      'user_id',
    ]);
  });

  test('that is no object is refused as a whole', () => {
    for (const body of [null, 5, 'x', []]) expect(fieldsOf(body)).toEqual(['body']);
  });
});

test('a redrive needs its filter to be said, so that nobody redrives everything by an empty body', () => {
  expect(redriveRequestSchema.safeParse({}).success).toBe(false);
  expect(redriveRequestSchema.safeParse({ filter: {} }).success).toBe(true);
});

describe('a message', () => {
  const message = {
    id: '1',
    channel: 'email',
    lane: 'bulk',
    attempt: 0,
    user_id: 'u',
    enqueued_at: new Date().toISOString(),
  };
  test('comes back as it was written', () => {
    expect(parseMessage(Buffer.from(JSON.stringify(message)))).toEqual({ ok: true, message });
  });
  test.each([
    ['no JSON', Buffer.from('{'), /not JSON/],
    ['an unknown channel', Buffer.from(JSON.stringify({ ...message, channel: 'fax' })), /channel/],
    ['a body that is too large', Buffer.alloc(20_000, 32), /over 16384 bytes/],
  ])('with %s says what is wrong', (_what, body, words) => {
    const parsed = parseMessage(body);
    expect(parsed.ok ? '' : parsed.error).toMatch(words);
  });
});
