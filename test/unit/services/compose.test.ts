import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer, text } from 'node:stream/consumers';
import PostalMime from 'postal-mime';
import { expect, test } from 'vitest';
import { composeMail } from '../../../shared/smtp/index.ts';
import { storedAttachmentOf, type Notification } from '../../../shared/contracts/index.ts';
import { aRecord } from '../../support/records.ts';

const SENDER = 'Tidings <hello@tidings.example>';

/** As a record could be that came in by another door than the API. */
const unchecked = (fields: Record<string, unknown>): Notification => ({ ...aRecord(), ...fields });
const bytesOf = async (record: Notification, from = SENDER): Promise<string> =>
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
  const mail = composeMail(record, { from: SENDER, domain: 'tidings.example' });
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
          from: SENDER,
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
