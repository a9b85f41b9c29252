import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MailPeerFleet } from '../support/mail-peer-fleet.ts';
import { startMailpit, type Mailpit } from '../support/mailpit.ts';
import { peerProgram } from '../support/peers.ts';

const program = peerProgram('mailpit') ?? '';

describe.skipIf(program === '')('Mailpit gets a mail whole', () => {
  let mailpit: Mailpit;
  let fleet: MailPeerFleet;

  beforeAll(async () => {
    mailpit = await startMailpit(program);
    fleet = await MailPeerFleet.start({ SMTP_URL: mailpit.smtpUrl, ALLOWED_SENDERS: 'orders@shop.example' });
  });
  afterAll(async () => {
    await fleet.stop();
    await mailpit.stop();
  });

  test('of plain text, with the headers that every mail has', async () => {
    const id = await fleet.send('plain@example.org', { subject: 'Hi', message: 'Hello\n.\n..dots\nend' });
    const mail = await mailpit.mailTo('plain@example.org');
    expect(mail).toMatchObject({
      Subject: 'Hi',
      From: { Name: 'Shop', Address: 'shop@tidings.example' },
      To: [{ Address: 'plain@example.org' }],
      MessageID: `${id}@tidings.example`,
      ReturnPath: 'shop@tidings.example',
    });
    expect(mail.Text.replaceAll('\r\n', '\n').trimEnd()).toBe('Hello\n.\n..dots\nend');
    expect(mail.headers).toMatchObject({ 'Auto-Submitted': ['auto-generated'], 'Mime-Version': ['1.0'] });
    expect(await fleet.untilStatus(id, 'sent')).toMatchObject({ attempt: 1 });
  });

  test('with a subject, a text and a page in other letters', async () => {
    const subject =
      'Grüße aus Köln – 日本語 🎉 und noch ein paar Wörter, damit die Zeile umgebrochen werden muß';
    const message = `Zażółć gęślą jaźń ${'sehr lang '.repeat(200)}\nEnde`;
    const html = `<p>Größe: <b>„groß“</b> 日本語</p><p>${'x'.repeat(2_000)}</p>`;
    await fleet.send('letters@example.org', { subject, message, html, reply_to: 'help@shop.example' });
    const mail = await mailpit.mailTo('letters@example.org');
    expect(mail).toMatchObject({ Subject: subject, ReplyTo: [{ Address: 'help@shop.example' }] });
    expect(mail.Text.replaceAll('\r\n', '\n').trimEnd()).toBe(message);
    expect(mail.HTML.trimEnd()).toBe(html);
  });

  test('with its files, byte for byte', async () => {
    const files = [
      { filename: 'Rechnung Nr. 7 – März.pdf', content_type: 'application/pdf', bytes: randomBytes(300_000) },
      { filename: 'table.csv', content_type: 'text/csv', bytes: Buffer.from('a;b\r\n1;2\r\n'.repeat(50)) },
      { filename: 'lines.txt', content_type: 'text/plain', bytes: Buffer.from(`${'é'.repeat(3_000)}\n`) },
    ];
    const attachments = files.map(({ bytes, ...file }) => ({ ...file, content: bytes.toString('base64') }));
    await fleet.send('files@example.org', {
      from: 'Orders <orders@shop.example>',
      html: '<p>Hello</p>',
      attachments,
    });
    const mail = await mailpit.mailTo('files@example.org');
    expect(mail.From).toEqual({ Name: 'Orders', Address: 'orders@shop.example' });
    expect(mail.Attachments.map(({ FileName }) => FileName)).toEqual(files.map(({ filename }) => filename));
    for (const [index, { PartID, ContentType }] of mail.Attachments.entries()) {
      const { bytes, content_type } = files[index] ?? {};
      expect(ContentType).toBe(content_type);
      expect((await mailpit.part(mail, PartID)).equals(bytes ?? Buffer.alloc(0))).toBe(true);
    }
  });

  test('once, after it was refused for now', async () => {
    await mailpit.fail('Recipient', 451);
    const id = await fleet.send('later@example.org');
    await fleet.untilStatus(id, 'failed');
    await mailpit.fail('Recipient');
    await mailpit.mailTo('later@example.org');
    const { attempt } = await fleet.untilStatus(id, 'sent');
    expect(attempt).toBeGreaterThan(1);
  });
});
