import fc from 'fast-check';
import { authenticate, type AuthenticateResult } from 'mailauth';
import MailComposer from 'nodemailer/lib/mail-composer';
import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Mail } from '../../../infra/local/sandbox/mailbox.ts';
import { startSandbox, type Sandbox } from '../../../infra/local/sandbox/sandbox.ts';
import { createEmailChannel } from '../../../services/email/channel.ts';
import { storedAttachmentOf, type Notification } from '../../../shared/contracts/index.ts';
import type { DeliveryChannel } from '../../../shared/delivery/index.ts';
import { readConfig } from '../../../shared/runtime/config.ts';
import { dkimSigner, mailBytes, type Mail as ComposedMail } from '../../../shared/smtp/index.ts';
import { startCommand } from '../../support/command.ts';
import { aRecord } from '../../support/records.ts';

const never = new AbortController().signal;
let [folder, keyFile, printed] = ['', '', ''];
let sandbox: Sandbox;
let email: DeliveryChannel;

const record = (...args: string[]) =>
  startCommand(
    ['dist/infra/dkim/main.js', 'dkim:record', '--domain', 'tidings.example', '--key-file', keyFile, ...args],
    { PATH: process.env.PATH },
  );
const settings = (more: Record<string, string> = {}): Record<string, string> => ({
  SMTP_URL: `smtp://127.0.0.1:${sandbox.smtpPort}`,
  MAIL_FROM: 'Tidings <hello@tidings.example>',
  ALLOWED_SENDERS: '@news.tidings.example,@elsewhere.example',
  DKIM_DOMAIN: 'tidings.example',
  DKIM_KEY_FILE: keyFile,
  ...more,
});

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tidings-dkim-'));
  keyFile = join(folder, 'keys/tidings.pem');
  const command = record();
  expect(await command.ended).toBe(0);
  printed = command.output();
  sandbox = await startSandbox({
    smtpPort: 0,
    httpPort: 0,
    accountSid: `AC${'a'.repeat(32)}`,
    authToken: 'token',
  });
  email = createEmailChannel(readConfig(settings()));
});
afterAll(async () => {
  await email.stop?.();
  await sandbox.stop();
  rmSync(folder, { recursive: true, force: true });
});
beforeEach(() => {
  sandbox.mailbox.clear();
});

/** DNS as the command says that it is to be. */
function resolve(name: string, type: string): Promise<string[][]> {
  const line = printed.split('\n').find((one) => one.startsWith(`${name}. ${type} `));
  if (line === undefined) throw Object.assign(new Error(`no ${type} of ${name}`), { code: 'ENOTFOUND' });
  return Promise.resolve([[...line.matchAll(/"([^"]*)"/g)].map(([, text = '']) => text)]);
}

/** What a receiver finds out by itself. */
async function checked(raw: Buffer): Promise<{ dkim: unknown; dmarc: unknown; fields: string }> {
  const result: AuthenticateResult = await authenticate(raw, {
    ip: '192.0.2.1',
    helo: 'mail.example',
    sender: 'bounces@mail.example',
    resolver: async (name, type) => resolve(name, type),
    minBitLength: 2048,
    disableArc: true,
    disableBimi: true,
  });
  const [signature] = result.dkim.results;
  const dmarc = result.dmarc === false ? undefined : result.dmarc.status.result;
  return {
    dkim: signature?.status.result,
    dmarc,
    fields: (signature as { signingHeaders?: { keys?: string } } | undefined)?.signingHeaders?.keys ?? '',
  };
}

async function arrived(fields: Partial<Notification>): Promise<Mail> {
  const notification = aRecord({ email: 'ada@example.org', ...fields });
  expect((await email.deliver(notification, never)).kind).toBe('sent');
  const [mail] = sandbox.mailbox.mails();
  if (!mail) throw new Error('nothing arrived');
  return mail;
}

describe('what arrives is signed in the name of our domain', () => {
  test.each([
    ['composed by hand', { subject: 'Your order', message: 'Hello,\nit is on its way.\n' }],
    ['without a subject, and without an end of the last line', { message: 'Hello' }],
    ['with dots, spaces and empty lines at ends', { subject: 'x', message: '.\n..\n a  b \n\n\n' }],
    ['encoded', { subject: 'Grüße', message: 'Grüße\r\nan alle', html: '<p>Grüße</p>\n' }],
    ['with a lone carriage return', { subject: 'x', message: 'one\rtwo\r\nthree' }],
    [
      'with a long line, a file and an address for answers',
      {
        ...{ subject: 'x', message: 'y'.repeat(3_000), reply_to: 'help@tidings.example' },
        attachments: [
          storedAttachmentOf({
            filename: 'a.bin',
            content_type: 'application/octet-stream',
            content: Buffer.alloc(100_000, 7).toString('base64'),
          }),
        ],
      },
    ],
    ['of a subdomain', { from: 'News <news@news.tidings.example>', message: 'Hello' }],
  ])('%s', async (_what, fields) => {
    const { raw } = await arrived(fields);
    expect(await checked(raw)).toMatchObject({ dkim: 'pass', dmarc: 'pass' });
  });
  test('whatever it says', async () => {
    const text = fc.oneof(
      fc.string({ unit: fc.constantFrom(...' \t\r\n.=aü-'.split('')), maxLength: 200 }),
      fc.string(),
    );
    const subjects = text.map((one) => one.replace(/[\r\n]/g, ' '));
    const property = fc.asyncProperty(subjects, text, fc.boolean(), async (subject, message, isHtml) => {
      const { raw } = await arrived({ subject, message, ...(isHtml && { html: message }) });
      expect(await checked(raw)).toMatchObject({ dkim: 'pass', dmarc: 'pass' });
    });
    await fc.assert(property, { numRuns: 60 });
  }, 60_000);
  test('and so is each attempt of the same mail', async () => {
    const notification = aRecord({ email: 'drop@example.org', message: 'Hello' });
    sandbox.smtpFault = { drop: true, taken: true };
    expect((await email.deliver(notification, never)).kind).toBe('ambiguous');
    sandbox.smtpFault = { refuse: { at: 'data', code: 451, message: '4.3.0 later' } };
    expect((await email.deliver(notification, never)).kind).toBe('transient');
    sandbox.smtpFault = undefined;
    expect((await email.deliver({ ...notification, email: 'ada@example.org' }, never)).kind).toBe('sent');
    const mails = sandbox.mailbox.mails();
    expect(mails).toHaveLength(2);
    for (const { raw } of mails) expect(await checked(raw)).toMatchObject({ dkim: 'pass' });
  });
});

test('what was changed on the way is found out', async () => {
  const { raw } = await arrived({ subject: 'Your order', message: 'Pay 10 to Ada' });
  const text = raw.toString();
  expect(await checked(Buffer.from(text))).toMatchObject({ dkim: 'pass' });
  for (const [from, to] of [
    ['Pay 10', 'Pay 99'],
    ['Your order', 'Your odour'],
    ['hello@tidings', 'jello@tidings'],
    ['To: ada', 'To: eve'],
  ] as const)
    expect(await checked(Buffer.from(text.replace(from, to)))).not.toMatchObject({ dkim: 'pass' });
});

test('a From that is not of our domain is not signed', async () => {
  const { raw } = await arrived({ from: 'a@elsewhere.example', message: 'Hello' });
  expect(raw.toString()).not.toMatch(/dkim-signature/i);
});

test('without the settings a mail goes out as before, without a signature', async () => {
  const channel = createEmailChannel(readConfig(settings({ DKIM_DOMAIN: '', DKIM_KEY_FILE: '' })));
  await channel.deliver(aRecord({ email: 'ada@example.org' }), never);
  await channel.stop?.();
  expect(sandbox.mailbox.mails()[0]?.raw.toString()).not.toMatch(/dkim-signature/i);
});

test('signs the fields that docs/mail-domain.md names, and has none of unsubscribing', async () => {
  const { raw } = await arrived({
    subject: 'x',
    message: 'Grüße',
    html: '<p>Grüße</p>',
    reply_to: 'help@tidings.example',
  });
  const { fields } = await checked(raw);
  const named = [
    'auto-submitted',
    'content-type',
    'date',
    'from',
    'message-id',
    'mime-version',
    'reply-to',
    'subject',
    'to',
  ];
  expect(fields.toLowerCase().split(/[: ]+/).sort()).toEqual(named);
  expect(raw.toString()).not.toMatch(/^List-Unsubscribe/im);
});

test('the fields of one click to unsubscribe are signed: neither can be taken away or changed', async () => {
  const composed = new MailComposer({
    from: 'News <news@tidings.example>',
    to: 'ada@example.org',
    text: 'Hello',
    headers: {
      'List-Unsubscribe': '<https://tidings.example/u/1>',
      'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click',
    },
  }).compile() as ComposedMail;
  const sign = dkimSigner({
    domain: 'tidings.example',
    selector: 'tidings',
    privateKey: createPrivateKey(readFileSync(keyFile)),
  });
  const raw = (await mailBytes(sign(composed, 'news@tidings.example'))).toString();
  const { dkim, fields } = await checked(Buffer.from(raw));
  expect(dkim).toBe('pass');
  expect(fields.toLowerCase().split(/[: ]+/)).toEqual(
    expect.arrayContaining(['list-unsubscribe', 'list-unsubscribe-post']),
  );
  const tampered = Buffer.from(raw.replace('One-Click', 'Two-Click'));
  expect((await checked(tampered)).dkim).not.toBe('pass');
});

describe('npm run dkim:record', () => {
  test('made a key for its owner only, and keeps it', async () => {
    expect(statSync(keyFile).mode & 0o777).toBe(0o600);
    expect(printed).toMatch(
      /^DKIM_DOMAIN=tidings\.example\nDKIM_SELECTOR=tidings\nDKIM_KEY_FILE=.*tidings\.pem$/m,
    );
    expect(printed).toMatch(/^_dmarc\.tidings\.example\. TXT "v=DMARC1; /m);
    expect(printed).not.toContain('PRIVATE');
    const key = readFileSync(keyFile, 'utf8');
    const again = record();
    expect(await again.ended).toBe(0);
    expect(again.output()).toContain('was there already');
    expect(again.output()).toContain(printed.slice(printed.indexOf('Into the DNS')));
    expect(readFileSync(keyFile, 'utf8')).toBe(key);
  });
  test('warns of a key that lies where npm run reset deletes, and of no other', async () => {
    expect(printed).not.toContain('WARNING');
    const file = `.data/dkim-test-${process.pid}.pem`;
    const command = record('--key-file', file);
    const code = await command.ended;
    rmSync(file, { force: true });
    expect([code, command.output()]).toEqual([0, expect.stringContaining('WARNING: npm run reset removes')]);
  });
  test('names what is wrong with a domain', async () => {
    const command = record('--domain', 'no domain');
    expect(await command.ended).toBe(1);
    expect(command.output()).toContain('DKIM_DOMAIN: must be a domain such as example.org');
  });
});

describe('a signature that cannot be made is refused at the start', () => {
  const pem = (kind: 'ed25519' | 'short'): string => {
    const { privateKey } =
      kind === 'short' ? generateKeyPairSync('rsa', { modulusLength: 1024 }) : generateKeyPairSync('ed25519');
    const file = join(folder, `${kind}.pem`);
    writeFileSync(file, privateKey.export({ type: 'pkcs8', format: 'pem' }));
    return file;
  };
  const starting = (more: Record<string, string>) => () => createEmailChannel(readConfig(settings(more)));
  test('by its key', () => {
    expect(starting({ DKIM_KEY_FILE: pem('ed25519') })).toThrow(
      /^DKIM_KEY_FILE: .*ed25519; it must be an RSA key/,
    );
    expect(starting({ DKIM_KEY_FILE: pem('short') })).toThrow(/has 1024 bits; it must have at least 2048/);
    expect(starting({ DKIM_KEY_FILE: '/none.pem' })).toThrow(/^DKIM_KEY_FILE: \/none\.pem cannot be read/);
  });
  test('by what is missing, or signs nothing', () => {
    expect(starting({ DKIM_KEY_FILE: '' })).toThrow('DKIM_DOMAIN and DKIM_KEY_FILE are needed together');
    expect(starting({ DKIM_DOMAIN: 'other.example' })).toThrow(
      /^DKIM_DOMAIN: no sender is of other\.example/,
    );
    expect(() => readConfig({ DKIM_DOMAIN: 'x y' })).toThrow(/DKIM_DOMAIN: must be a domain/);
    expect(() => readConfig({ DKIM_SELECTOR: 'a.b;' })).toThrow(/DKIM_SELECTOR: must be letters/);
  });
});
