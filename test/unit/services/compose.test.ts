import fc from 'fast-check';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createTransport } from 'nodemailer';
import MimeNode from 'nodemailer/lib/mime-node';
import { buffer, text } from 'node:stream/consumers';
import PostalMime from 'postal-mime';
import { expect, test } from 'vitest';
import { composeMail } from '../../../shared/smtp/index.ts';
import { storedAttachmentOf, type Notification } from '../../../shared/contracts/index.ts';
import { aRecord } from '../../support/records.ts';

const transport = createTransport({ streamTransport: true, buffer: true, newline: 'windows' });
const SENDERS = [
  'Tidings <hello@tidings.example>',
  'hello@tidings.example',
  '"A, B" <ab@tidings.example>',
  'Ünal <u@tidings.example>',
];

/** The bytes that go out, and to whom, without what is new each time. Connections send every line end as CRLF, also the last. */
function sent(envelope: object, messageId: string, bytes: string): object {
  const timeless = bytes.replace(/^Date: .*$/m, 'Date').replaceAll(/--_NmP-[\w-]+/g, 'boundary');
  return { envelope, messageId, bytes: timeless.replaceAll(/\r?\n|\r/g, '\r\n').replace(/(\r\n)?$/, '\r\n') };
}

async function byUs(record: Notification, from: string): Promise<object> {
  const mail = composeMail(record, { from, domain: 'tidings.example' });
  return sent(mail.getEnvelope(), mail.messageId(), await text(mail.createReadStream()));
}

/** What nodemailer makes of the same notification. */
async function byNodemailer(
  { _id, email = '', subject, message, html, reply_to, attachments = [], ...record }: Notification,
  from: string,
): Promise<object> {
  const {
    envelope,
    messageId,
    message: bytes,
  } = await transport.sendMail({
    from: record.from ?? from,
    ...(reply_to !== undefined && { replyTo: { name: '', address: reply_to } }),
    to: { name: '', address: email },
    ...(subject !== undefined && { subject }),
    text: message,
    ...(html !== undefined && { html }),
    attachments: attachments.map(({ filename, content_type: contentType, content }) => ({
      filename,
      contentType,
      content: Buffer.from(content, 'base64'),
    })),
    messageId: `<${_id}@tidings.example>`,
    headers: { 'Auto-Submitted': 'auto-generated' },
  });
  return sent(envelope, messageId, Buffer.isBuffer(bytes) ? bytes.toString() : '');
}

const ascii = fc.string({
  unit: fc.constantFrom(...' \t\n\r.=?_-"<>@,:;aFromZ09'.split('')),
  maxLength: 200,
});
const anything = fc.oneof(
  ascii,
  fc.string({ maxLength: 120 }),
  fc.string({ unit: 'grapheme', maxLength: 60 }),
);
const oneLine = anything.map((text) => text.replace(/[\r\n]/g, ' '));
const addresses = fc.constantFrom(
  'a@example.org',
  'a.b+c-d_e@sub.example.org',
  "o'hara@example.org",
  'A@EXAMPLE.org',
  'ü@example.org',
);

const files = fc
  .record({
    filename: fc.oneof(fc.constantFrom('meeting.ics', 'Grüße.pdf', 'a "b".txt'), oneLine),
    content_type: fc.constantFrom('application/pdf', 'text/calendar; method=REQUEST', 'text/plain'),
    content: fc
      .uint8Array({ minLength: 1, maxLength: 300 })
      .map((bytes) => Buffer.from(bytes).toString('base64')),
  })
  .map(storedAttachmentOf);

test('whatever the notification says, the bytes are those that nodemailer would send', async () => {
  const records = fc.record({
    subject: fc.option(oneLine, { nil: undefined }),
    message: anything,
    html: fc.option(anything, { nil: undefined }),
    email: addresses,
    from: fc.option(fc.constantFrom(...SENDERS), { nil: undefined }),
    reply_to: fc.option(addresses, { nil: undefined }),
    attachments: fc.option(fc.array(files, { minLength: 1, maxLength: 3 }), { nil: undefined }),
  });
  const property = fc.asyncProperty(records, fc.constantFrom(...SENDERS), async (fields, from) => {
    const record = aRecord(fields);
    expect(await byUs(record, from)).toEqual(await byNodemailer(record, from));
  });
  await fc.assert(property, { numRuns: 300 });
}, 30_000);

test('an ordinary mail is composed by hand', () => {
  const record = aRecord({
    email: 'a@example.org',
    subject: 'Your order',
    message: 'Hello,\nit is on its way.\n',
  });
  const sender = { from: SENDERS[0] ?? '', domain: 'tidings.example' };
  expect(composeMail(record, sender)).not.toBeInstanceOf(MimeNode);
  expect(composeMail({ ...record, message: 'Grüße' }, sender)).toBeInstanceOf(MimeNode);
});

/** As a record could be that came in by another door than the API. */
const unchecked = (fields: Record<string, unknown>): Notification => ({ ...aRecord(), ...fields });
const bytesOf = async (record: Notification, from = SENDERS[0] ?? ''): Promise<string> =>
  text(composeMail(record, { from, domain: 'tidings.example' }).createReadStream());

test('files arrive byte by byte under their names, answers go where reply_to says, and From is the one that was asked for', async () => {
  const content = Buffer.from([0, 13, 10, 46, 255]);
  const file = {
    filename: 'Grüße.bin',
    content_type: 'application/octet-stream',
    content: content.toString('base64'),
  };
  const named = { from: 'Shop <shop@example.org>', reply_to: 'ada@example.org' };
  const record = aRecord({ ...named, attachments: [storedAttachmentOf(file)] });
  const mail = composeMail(record, { from: SENDERS[0] ?? '', domain: 'tidings.example' });
  expect(mail.getEnvelope()).toEqual({ from: 'shop@example.org', to: ['a@example.org'] });
  const parsed = await PostalMime.parse(await buffer(mail.createReadStream()));
  expect(parsed.from).toEqual({ name: 'Shop', address: 'shop@example.org' });
  expect(parsed.replyTo).toEqual([{ name: '', address: 'ada@example.org' }]);
  const [arrived] = parsed.attachments;
  expect(arrived).toMatchObject({ filename: file.filename, mimeType: file.content_type });
  expect(Buffer.from(arrived?.content as ArrayBuffer)).toEqual(content);
});

test.each(['subject', 'email', '_id', 'message', 'html', 'from', 'reply_to', 'filename', 'content_type'])(
  'a line break in %s makes no header, even where nothing was checked before',
  async (field) => {
    for (const end of ['\r\n', '\n', '\r', '\u2028', '\u0085\n'])
      for (const value of [
        `a@example.org${end}Bcc: evil@example.org`,
        `Grüße${end}Bcc: evil@example.org${end}${end}x`,
      ]) {
        const file = { filename: 'a.txt', content_type: 'text/plain', content: 'YQ==', [field]: value };
        const mail = composeMail(unchecked({ [field]: value, attachments: [storedAttachmentOf(file)] }), {
          from: SENDERS[0] ?? '',
          domain: 'tidings.example',
        });
        const [head = ''] = (await text(mail.createReadStream())).split(/\r?\n\r?\n/);
        expect(head.split(/\r\n|\n|\r/).filter((line) => /^bcc:/i.test(line))).toEqual([]);
        expect(mail.getEnvelope().to.filter((address) => address === 'evil@example.org')).toEqual([]);
      }
  },
);

test('nothing is fetched and no file is read, whatever a notification holds', async () => {
  let calls = 0;
  const server = createServer((_request, response) => {
    calls += 1;
    response.end('stolen');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  try {
    for (const content of [{ href: url }, { path: url }, { path: 'package.json' }])
      for (const field of ['message', 'html'])
        await expect(bytesOf(unchecked({ [field]: content }))).rejects.toThrow();
    const inText = await bytesOf(unchecked({ message: url, html: `<img src="${url}"><link href="${url}">` }));
    expect(inText).not.toContain('stolen');
    expect(calls).toBe(0);
  } finally {
    server.close();
  }
});
