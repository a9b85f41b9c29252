import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { makeCertificates, type Certificates } from '../support/certificates.ts';
import { LmtpSink } from '../support/lmtp-sink.ts';
import { MailPeerFleet } from '../support/mail-peer-fleet.ts';
import { peerFolder } from '../support/peer-server.ts';
import { peerProgram } from '../support/peers.ts';
import { SIGN_IN, mailboxesBehind, setPassword, startTls } from '../support/postfix-submission.ts';
import { startPostfix, type Postfix, type PostfixOptions } from '../support/postfix.ts';
import { startPostgrey } from '../support/postgrey.ts';
import { until } from '../support/until.ts';

const program = peerProgram('postfix') ?? '';
const postgrey = peerProgram('postgrey') ?? '';

describe.skipIf(program === '')('Postfix', () => {
  let sink: LmtpSink;
  let folder: string;
  let certificates: Certificates;

  beforeAll(async () => {
    folder = peerFolder('certificates');
    certificates = await makeCertificates(join(folder, 'tls'), '127.0.0.1');
    sink = await LmtpSink.start();
  });
  afterAll(async () => {
    await sink.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const start = (main: Record<string, string>, prepare?: PostfixOptions['prepare']): Promise<Postfix> =>
    startPostfix({ main: { ...mailboxesBehind(sink.transport), ...main }, ...(prepare && { prepare }) });

  describe('for submission, with STARTTLS, a password and a limit of size', () => {
    const LIMIT = 300_000;
    const user = { name: 'shop', password: 'p@ss/w:rd%' };
    let postfix: Postfix;
    let fleet: MailPeerFleet;
    const urlWith = (password: string): string =>
      `smtp://${user.name}%40example.org:${encodeURIComponent(password)}@127.0.0.1:${postfix.port}`;
    const trusting = (): Record<string, string> => ({ NODE_EXTRA_CA_CERTS: certificates.authority });

    beforeAll(async () => {
      const main = { ...startTls(certificates), ...SIGN_IN, message_size_limit: String(LIMIT) };
      postfix = await start(main, (own) => setPassword(own, user));
      fleet = await MailPeerFleet.start({ SMTP_URL: urlWith(user.password), ...trusting() });
    });
    afterAll(async () => {
      await fleet.stop();
      await postfix.stop();
    });

    /** A fleet with other settings, for one test. */
    async function another(settings: Record<string, string>): Promise<MailPeerFleet> {
      const other = await MailPeerFleet.start(settings);
      onTestFinished(() => other.stop());
      return other;
    }

    test('takes a mail and delivers it whole', async () => {
      const bytes = randomBytes(50_000);
      const file = { filename: 'Bild ä.png', content_type: 'image/png', content: bytes.toString('base64') };
      const message = 'Grüße\n.\nFrom here on\n';
      const id = await fleet.send('ada@example.org', { subject: 'Größe', message, attachments: [file] });
      const { from, mail } = await sink.mailTo('ada@example.org');
      expect([from, mail.subject, mail.text?.trimEnd()]).toEqual([
        'shop@tidings.example',
        'Größe',
        message.trimEnd(),
      ]);
      expect(mail.attachments[0]?.filename).toBe('Bild ä.png');
      expect(Buffer.from(mail.attachments[0]?.content as ArrayBuffer).equals(bytes)).toBe(true);
      await fleet.untilStatus(id, 'sent');
      const ownLog = postfix.log();
      expect(ownLog).toMatch(/sasl_method=PLAIN, sasl_username=shop@example.org/);
      expect(ownLog).not.toContain('SASL PLAIN authentication failed');
    });

    test('refuses a mail that is too large before it has the body', async () => {
      const content = randomBytes(LIMIT).toString('base64');
      const attachments = [{ filename: 'large.bin', content_type: 'application/octet-stream', content }];
      const id = await fleet.send('large@example.org', { attachments });
      const { attempt, timeline } = await fleet.untilStatus(id, 'failed_permanently');
      expect(attempt).toBe(1);
      expect(JSON.stringify(timeline)).toMatch(/size/i);
      expect(postfix.log()).not.toContain('too big');
    });

    test('loses no mail by a wrong password, and nothing is given up', async () => {
      const other = await another({ SMTP_URL: urlWith('wrong'), ...trusting() });
      const id = await other.send('wrong@example.org');
      const { timeline } = await other.untilStatus(id, 'held');
      expect(JSON.stringify(timeline)).toContain('535');
    });

    test('gets no password under a certificate that nobody vouches for', async () => {
      const other = await another({ SMTP_URL: urlWith(user.password), NODE_EXTRA_CA_CERTS: '' });
      const id = await other.send('strange@example.org');
      const { timeline } = await until(async () => {
        const told = await other.look(id);
        return told.timeline.length > 2 && told;
      });
      expect(JSON.stringify(timeline)).toMatch(/certificate/);
      expect(sink.delivered.map(({ to }) => to)).not.toContain('strange@example.org');
    });
  });

  describe('that takes two connections of a client at a time', () => {
    test('gets all of many mails, and none spends a retry', async () => {
      const postfix = await start({ smtpd_client_connection_count_limit: '2' });
      onTestFinished(() => postfix.stop());
      const fleet = await MailPeerFleet.start({
        SMTP_URL: `smtp://127.0.0.1:${postfix.port}`,
        EMAIL_CONCURRENCY: '10',
      });
      onTestFinished(() => fleet.stop());
      const people = Array.from({ length: 120 }, (_, number) => `many-${number}@example.org`);
      const ids = await Promise.all(people.map((email) => fleet.send(email)));
      await until(() => sink.delivered.filter(({ to }) => to.startsWith('many-')).length >= 120, 40_000);
      const all = await Promise.all(ids.map((id) => fleet.untilStatus(id, 'sent')));
      expect(all.filter(({ retry_count }) => retry_count !== 0)).toEqual([]);
      const arrived = sink.delivered.map(({ to }) => to).filter((to) => to.startsWith('many-'));
      expect(arrived.sort()).toEqual(people.sort());
    });
  });

  describe.skipIf(postgrey === '')('behind greylisting', () => {
    test('gets each mail by a retry, and mail that it takes goes on meanwhile', async () => {
      const known = 'known@example.org';
      const greylist = await startPostgrey(postgrey, { delaySeconds: 2, known });
      onTestFinished(() => greylist.stop());
      const restrictions = `reject_unauth_destination, ${greylist.restriction}`;
      const postfix = await start({ smtpd_recipient_restrictions: restrictions });
      onTestFinished(() => postfix.stop());
      const fleet = await MailPeerFleet.start({
        SMTP_URL: `smtp://127.0.0.1:${postfix.port}`,
        RETRY_DELAYS: '5s,5s',
      });
      onTestFinished(() => fleet.stop());
      // More than the circuit breaker needs, if it counted them.
      const people = Array.from({ length: 30 }, (_, number) => `grey-${number}@example.org`);
      const ids = await Promise.all(people.map((email) => fleet.send(email)));
      const isRefused = async (id: string): Promise<boolean> =>
        (await fleet.look(id)).timeline.some(({ status }) => status === 'failed');
      await until(async () => (await Promise.all(ids.map(isRefused))).every(Boolean), 30_000);
      // An open circuit breaker would hold it.
      expect(await fleet.untilStatus(await fleet.send(known), 'sent')).toMatchObject({ attempt: 1 });
      for (const told of await Promise.all(ids.map((id) => fleet.untilStatus(id, 'sent')))) {
        expect(told).toMatchObject({ attempt: 2, retry_count: 1 });
        expect(JSON.stringify(told.timeline)).toContain('450 4.2.0');
      }
      const { json } = await fleet.producer.call('GET', '/v1/suppressions');
      expect(json.suppressions).toEqual([]);
    });
  });
});
