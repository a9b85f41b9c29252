import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  fieldErrors,
  notificationRequestSchema,
  storedAttachmentOf,
} from '../../../shared/contracts/index.ts';

const file = { filename: 'meeting.ics', content_type: 'text/calendar; method=REQUEST', content: 'QUJD' };
const mail = { user_id: 'u1', type: 'email', message: 'Hello', email: 'a@example.org' };

/** The fields that are complained of when a mail has these files. */
function fieldsOf(attachments: unknown): string[] {
  const result = notificationRequestSchema.safeParse({ ...mail, attachments });
  return result.success ? [] : fieldErrors(result.error).map(({ field }) => field);
}

test.each([
  ['a calendar entry', [file]],
  ['a name beyond ASCII', [{ ...file, filename: 'Grüße 🙂.pdf' }]],
  ['ten files', Array.from({ length: 10 }, () => file)],
  ['a million characters together', [file, { ...file, content: 'A'.repeat(1_000_000 - 4) }]],
])('%s is taken', (_what, files) => {
  expect(fieldsOf(files)).toEqual([]);
});

test.each([
  ['no list', file, 'attachments'],
  ['no file', [], 'attachments'],
  ['eleven files', Array.from({ length: 11 }, () => file), 'attachments'],
  ['more than a million characters', [file, { ...file, content: 'A'.repeat(1_000_000) }], 'attachments'],
  ['a path', [{ ...file, filename: '../../etc/passwd' }], 'attachments.0.filename'],
  ['a path of Windows', [{ ...file, filename: 'C:\\x' }], 'attachments.0.filename'],
  ['only dots', [{ ...file, filename: '..' }], 'attachments.0.filename'],
  ['a name with a line break', [{ ...file, filename: 'a\r\nb' }], 'attachments.0.filename'],
  ['an empty name', [{ ...file, filename: '' }], 'attachments.0.filename'],
  [
    'a type with a line break',
    [{ ...file, content_type: 'text/plain\r\nX: y' }],
    'attachments.0.content_type',
  ],
  ['a type without its half', [{ ...file, content_type: 'text' }], 'attachments.0.content_type'],
  ['a type with quotes', [{ ...file, content_type: 'text/plain; name="x"' }], 'attachments.0.content_type'],
  ['what is no base64', [{ ...file, content: 'not base64!' }], 'attachments.0.content'],
  ['nothing in it', [{ ...file, content: '' }], 'attachments.0.content'],
  ['content that is no string', [file, { ...file, content: 5 }], 'attachments.1.content'],
  ['an address to fetch it from', [{ ...file, href: 'http://example.org/' }], 'attachments.0.href'],
])('%s is refused, and the field is named', (_what, files, field) => {
  expect(fieldsOf(files)).toEqual([field]);
});

test('names the field, the size and the limit of files that are too large', () => {
  const attachments = [file, { ...file, content: 'A'.repeat(1_200_000) }];
  const result = notificationRequestSchema.safeParse({ ...mail, attachments });
  expect(result.error && fieldErrors(result.error)).toEqual([
    {
      field: 'attachments',
      message:
        'must have at most 750000 bytes together (1000000 characters of base64); these have 900003, of which attachments.1 has 900000',
    },
  ]);
});

test.each(['sms', 'in_app'])('a notification of type %s takes no files, From or Reply-To', (type) => {
  const more = { attachments: [file], from: 'a@example.org', reply_to: 'a@example.org' };
  const result = notificationRequestSchema.safeParse({ ...mail, ...more, type, phone: '+12025550123' });
  const errors = result.success ? [] : fieldErrors(result.error);
  expect(errors.map(({ field }) => field).sort()).toEqual(['attachments', 'from', 'reply_to']);
});

test('what is noted as the size is how many bytes there are', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 500 }), (bytes) => {
      const stored = storedAttachmentOf({ ...file, content: Buffer.from(bytes).toString('base64') });
      expect(stored.bytes).toBe(bytes.length);
    }),
  );
});
