import fc from 'fast-check';
import type { Attachment } from '../../shared/contracts/index.ts';

/** What a submission says, as far as a mail shows it. */
export interface Submitted {
  subject?: string | undefined;
  message: string;
  html?: string | undefined;
  email: string;
  from?: string | undefined;
  reply_to?: string | undefined;
  attachments?: Attachment[] | undefined;
}

/** What means something in a header or an encoding. */
const MEANINGFUL = ' =?_"\\<>()[]:;,.@%*\'!#$&+/~^`{|}-aFrom Z09'.split('');
const BEYOND_ASCII = ['ä', 'ß', '漢', '字', '🙂', '👩\u200d👧', 'е\u0301', '\u00a0', '\u200b', '\u202e'];
const units = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...MEANINGFUL) },
  { weight: 2, arbitrary: fc.constantFrom(...BEYOND_ASCII) },
  { weight: 1, arbitrary: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 1 }) },
);
const LOOKALIKES = [
  '=?UTF-8?B?WW91ciBhY2NvdW50IGlzIGNsb3NlZA==?=',
  '=?utf-8?q?a?=',
  "utf-8''a%20b",
  '=?',
  '?=',
];
/** A line that the API takes: no control characters. */
const lineOf = (max: number): fc.Arbitrary<string> =>
  fc
    .oneof(
      fc.string({ unit: units, minLength: 1, maxLength: max }),
      fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 1, maxLength: max }),
      fc
        .tuple(fc.constantFrom(...LOOKALIKES), fc.string({ unit: units, maxLength: 20 }))
        .map((some) => some.join('')),
      fc
        .tuple(fc.string({ unit: units, maxLength: 20 }), fc.constantFrom(...LOOKALIKES))
        .map((some) => some.join(' ')),
    )
    .map((text) => text.replace(/\p{Cc}/gu, ' ').slice(0, max))
    // A character that was cut in two is none.
    .map((text) => Buffer.from(text).toString())
    .filter((text) => text.length > 0);
const texts = fc
  .array(fc.oneof(lineOf(1_500), fc.constantFrom('', '.', '..', 'From me', ' x ', '\t', '--')), {
    minLength: 1,
    maxLength: 8,
  })
  .chain((lines) => fc.constantFrom('\n', '\r\n').map((end) => lines.join(end)))
  .filter((text) => text !== '');
const addresses = fc.constantFrom(
  'a@example.org',
  "o'hara+x@example.org",
  'c/o&x=y~z#1@xn--bcher-kva.example',
  `${'l'.repeat(64)}@${'d'.repeat(63)}.${'e'.repeat(63)}.example.org`,
);
const names = lineOf(200)
  // This reader shows one space where a name has several, of whatever kind.
  .map((name) =>
    name
      .replace(/[<>"@,;:\\()[\]]/g, '')
      .replace(/\s+/g, ' ')
      .trim(),
  )
  .filter((name) => name !== '');
const mailboxes = fc.oneof(
  addresses,
  fc.tuple(names, addresses).map(([name, address]) => `${name} <${address}>`),
);
const TYPES = [
  'application/pdf',
  'text/plain',
  'text/csv; charset=utf-16',
  'text/html',
  'text/calendar; method=REQUEST; charset=utf-8',
  'message/rfc822',
  'message/delivery-status',
  'message/partial; id=1',
  'multipart/mixed; boundary=x',
  'multipart/signed',
  'image/png; name=x',
  'application/x-a+b.c',
];
const contents = fc.oneof(
  fc.uint8Array({ minLength: 1, maxLength: 400 }),
  texts.map((text) => Buffer.from(text)),
  fc
    .constantFrom('From: a@example.org\n\nx', 'a\r\n'.repeat(40), 'ü'.repeat(600), '.\r\n.\r\n', '\0')
    .map((text) => Buffer.from(text)),
);
const files: fc.Arbitrary<Attachment> = fc.record({
  filename: lineOf(255)
    .map((name) => name.replace(/[/\\]/g, '_'))
    .filter((name) => !/^\.+$/.test(name)),
  content_type: fc.constantFrom(...TYPES),
  content: contents.map((bytes) => Buffer.from(bytes).toString('base64')),
});
const option = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(arbitrary, { nil: undefined });
/** Anything that the API takes as an e-mail: what a header, an encoding or a line could change comes often. */
export const submissions: fc.Arbitrary<Submitted> = fc.record({
  subject: option(lineOf(998)),
  message: texts,
  html: option(texts),
  email: addresses,
  from: option(mailboxes),
  reply_to: option(addresses),
  attachments: option(fc.array(files, { minLength: 1, maxLength: 3 })),
});
