import { createServer, type AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import PostalMime from 'postal-mime';
import { startSandbox, type Sandbox } from '../../../infra/local/sandbox/sandbox.ts';
import { createEmailChannel } from '../../../services/email/channel.ts';
import { createSmsChannel } from '../../../services/sms/channel.ts';
import type { DeliveryChannel } from '../../../shared/delivery/index.ts';
import { readConfig } from '../../../shared/runtime/config.ts';
import { aRecord } from '../../support/records.ts';

const accountSid = `AC${'a'.repeat(32)}`;
let sandbox: Sandbox;
let email: DeliveryChannel;
let sms: DeliveryChannel;
const never = new AbortController().signal;

const providers = (more: Record<string, string> = {}) =>
  readConfig({
    SMTP_URL: `smtp://127.0.0.1:${sandbox.smtpPort}`,
    MAIL_FROM: 'Tidings <hello@tidings.example>',
    TWILIO_ACCOUNT_SID: accountSid,
    TWILIO_AUTH_TOKEN: 'token',
    TWILIO_PHONE_NUMBER: '+15005550006',
    TWILIO_API_BASE_URL: `http://127.0.0.1:${sandbox.httpPort}`,
    ...more,
  });

beforeAll(async () => {
  sandbox = await startSandbox({ smtpPort: 0, httpPort: 0, accountSid, authToken: 'token' });
  email = createEmailChannel(providers());
  sms = createSmsChannel(providers());
});
afterAll(async () => {
  await email.stop?.();
  await sandbox.stop();
});

describe('e-mail', () => {
  const to = (address: string) =>
    aRecord({ email: address, subject: 'Grüße', message: 'Hello\n.\nworld', html: '<p>Hello</p>' });

  test('arrives with text, HTML, its headers and the Message-ID of its notification', async () => {
    const record = to('ada@example.org');
    const outcome = await email.deliver(record, never);
    expect(outcome).toMatchObject({
      kind: 'sent',
      provider: 'smtp',
      provider_message_id: `<${record._id}@tidings.example>`,
    });
    const [mail] = sandbox.mailbox.mails();
    expect(mail?.envelope).toEqual({ from: 'hello@tidings.example', to: ['ada@example.org'] });
    const parsed = await PostalMime.parse(mail?.raw ?? '');
    expect(parsed).toMatchObject({ subject: 'Grüße', messageId: `<${record._id}@tidings.example>` });
    expect(parsed.text?.trim()).toBe('Hello\n.\nworld');
    expect(parsed.html?.trim()).toBe('<p>Hello</p>');
    expect(parsed.from).toEqual({ name: 'Tidings', address: 'hello@tidings.example' });
  });
  test.each([
    ['bounce', 'permanent', '550'],
    ['full', 'transient', '452'],
    ['fail', 'transient', '451'],
    ['drop', 'ambiguous', 'ECONNECTION'],
  ])('to %s@ is %s', async (local, kind, code) => {
    expect(await email.deliver(to(`${local}@example.org`), never)).toMatchObject({ kind, code });
  });
  test('to flaky@ fails twice and is then accepted, the same notification', async () => {
    const record = to('flaky@example.org');
    const kinds = [];
    for (let attempt = 0; attempt < 3; attempt += 1) kinds.push((await email.deliver(record, never)).kind);
    expect(kinds).toEqual(['transient', 'transient', 'sent']);
  });
  describe('a plain one, to a server that hangs up', () => {
    /** A server that takes mail, and hangs up instead of answering a command, the first time that it comes on a connection's nth mail. */
    async function hangingUp(at: {
      command: string;
      mail: number;
    }): Promise<{ channel: DeliveryChannel; taken: () => number; stop: () => Promise<void> }> {
      let taken = 0;
      let isArmed = true;
      const server = createServer((socket) => {
        let mails = 0;
        let isBody = false;
        const commands = (lines: string[]): void => {
          for (const line of lines) {
            if (isBody && line !== '.') continue;
            const command = isBody ? '.' : (line.split(' ')[0] ?? '');
            isBody = command === 'DATA';
            if (command === 'MAIL') mails += 1;
            if (isArmed && command === at.command && mails === at.mail) {
              isArmed = false;
              socket.destroy();
              return;
            }
            if (command === '.') taken += 1;
            socket.write(
              command === 'DATA' ? '354 go on\r\n' : command === 'QUIT' ? '221 bye\r\n' : '250 fine\r\n',
            );
          }
        };
        socket
          .on('error', () => undefined)
          .on('data', (bytes) => {
            commands(bytes.toString().trimEnd().split('\r\n'));
          });
        socket.write('220 here\r\n');
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const { port } = server.address() as AddressInfo;
      const channel = createEmailChannel(
        providers({ SMTP_URL: `smtp://127.0.0.1:${port}`, EMAIL_CONCURRENCY: '1' }),
      );
      return {
        channel,
        taken: () => taken,
        stop: async () => {
          await channel.stop?.();
          await new Promise((resolve) => server.close(resolve));
        },
      };
    }
    const plain = () => aRecord({ email: 'ada@example.org', subject: 'Order', message: 'Hello' });

    test.each([
      ['MAIL', 2, ['sent', 'sent'], 2, 'a kept connection that is gone: over another one'],
      ['RCPT', 1, ['transient'], 0, 'before the message'],
      ['DATA', 1, ['transient'], 0, 'before the message may begin'],
      ['.', 1, ['ambiguous'], 0, 'in place of the answer'],
    ] as const)('at %s of mail %i ends as %j, %i taken: %s', async (command, mail, kinds, taken, _why) => {
      const server = await hangingUp({ command, mail });
      try {
        for (const kind of kinds) expect((await server.channel.deliver(plain(), never)).kind).toBe(kind);
        expect(server.taken()).toBe(taken);
      } finally {
        await server.stop();
      }
    });
  });
  test('to a server that never answers the body is ambiguous when the time is up', async () => {
    const outcome = await email.deliver(to('hang@example.org'), AbortSignal.timeout(500));
    expect(outcome.kind).toBe('ambiguous');
  });
  test('to a server that never greets is transient: nothing was handed over', async () => {
    const silent = createServer((socket) => socket.on('error', () => undefined));
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const address = silent.address();
    const port = typeof address === 'object' ? address?.port : 0;
    const channel = createEmailChannel(providers({ SMTP_URL: `smtp://127.0.0.1:${port}` }));
    expect((await channel.deliver(to('a@example.org'), AbortSignal.timeout(500))).kind).toBe('transient');
    await channel.stop?.();
    silent.close();
  });
  test('to nobody who listens is transient, with the system’s code', async () => {
    const channel = createEmailChannel(providers({ SMTP_URL: 'smtp://127.0.0.1:1' }));
    expect(await channel.deliver(to('a@example.org'), never)).toMatchObject({
      kind: 'transient',
      code: 'ECONNREFUSED',
    });
    await channel.stop?.();
  });
});

describe('SMS', () => {
  const to = (phone: string, message = 'Code 1234') => aRecord({ type: 'sms', phone, message });

  test('arrives, and the outcome carries Twilio’s id and the segments', async () => {
    const outcome = await sms.deliver(to('+15005550006', 'x'.repeat(200)), never);
    expect(outcome).toMatchObject({ kind: 'sent', provider: 'twilio', reason: '2 segment(s), GSM-7' });
    expect(sandbox.mailbox.texts()[0]).toMatchObject({
      to: '+15005550006',
      from: '+15005550006',
      segments: 2,
    });
  });
  test.each([
    ['+15005550001', 'permanent', '21211'],
    ['+15005550002', 'permanent', '21612'],
    ['+15005550003', 'permanent', '21408'],
    ['+15005550004', 'permanent', '21610'],
    ['+15005550009', 'permanent', '21614'],
    ['+15005550102', 'transient', '20500'],
    ['+15005550105', 'ambiguous', 'ECONNRESET'],
  ])('to %s is %s', async (phone, kind, code) => {
    expect(await sms.deliver(to(phone), never)).toMatchObject({ kind, code });
  });
  test('that is rate-limited is held for as long as Retry-After says', async () => {
    expect(await sms.deliver(to('+15005550103'), never)).toMatchObject({ kind: 'deferred', afterMs: 5_000 });
  });
  test('with wrong credentials is our own trouble, not the recipient’s', async () => {
    const channel = createSmsChannel(providers({ TWILIO_AUTH_TOKEN: 'wrong' }));
    expect(await channel.deliver(to('+15005550006'), never)).toMatchObject({
      kind: 'transient',
      code: '20003',
    });
  });
  test('to a country that is not open never leaves, however it came in', async () => {
    const before = sandbox.mailbox.texts().length;
    expect(await sms.deliver(to('+18765551234'), never)).toMatchObject({
      kind: 'permanent',
      code: 'country_not_allowed',
    });
    expect(sandbox.mailbox.texts()).toHaveLength(before);
    const open = createSmsChannel(providers({ SMS_COUNTRIES: 'JM' }));
    expect(await open.deliver(to('+18765551234'), never)).toMatchObject({ kind: 'sent' });
  });
  test('to something that is no number never leaves', async () => {
    const before = sandbox.mailbox.texts().length;
    expect(await sms.deliver(to('12345'), never)).toMatchObject({
      kind: 'permanent',
      code: 'invalid_number',
    });
    expect(sandbox.mailbox.texts()).toHaveLength(before);
  });
});

test('the mailbox shows what arrived, and a mail’s HTML runs nothing', async () => {
  const address = `http://127.0.0.1:${sandbox.httpPort}`;
  const page = await (await fetch(`${address}/`)).text();
  expect(page).toContain('Grüße');
  expect(page).toContain('flaky@example.org');
  const mail = sandbox.mailbox.mails()[0];
  const html = await fetch(`${address}/mail/${mail?.id ?? ''}/html`);
  expect(html.headers.get('content-security-policy')).toMatch(/default-src 'none'.*sandbox/);
  const raw = Buffer.from(await (await fetch(`${address}/api/mails/${mail?.id ?? ''}/raw`)).arrayBuffer());
  expect(raw.equals(mail?.raw ?? Buffer.alloc(0))).toBe(true);
});
