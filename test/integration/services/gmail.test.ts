import { exportPKCS8, exportSPKI, generateKeyPair } from 'jose';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import PostalMime from 'postal-mime';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Sandbox } from '../../../infra/local/sandbox/sandbox.ts';
import { createEmailChannel } from '../../../services/email/channel.ts';
import { gmailProvider } from '../../../services/email/providers/gmail.ts';
import { storedAttachmentOf } from '../../../shared/contracts/index.ts';
import type { DeliveryChannel, Outcome } from '../../../shared/delivery/index.ts';
import { pause } from '../../../shared/runtime/backoff.ts';
import { readConfig } from '../../../shared/runtime/config.ts';
import { redact, secretsOf } from '../../../shared/runtime/redact.ts';
import { startTestChannel, startTestProducer, testConfig } from '../../support/fleet.ts';
import { GOOGLE_CLIENT, gmailSettings, googleUrl, startGoogleSandbox } from '../../support/google.ts';
import { aRecord } from '../../support/records.ts';
import { createTestServers } from '../../support/servers.ts';
import { until } from '../../support/until.ts';

const never = new AbortController().signal;
let sandbox: Sandbox;
const channels: DeliveryChannel[] = [];

beforeEach(async () => {
  sandbox = await startGoogleSandbox();
});
afterEach(async () => {
  for (const channel of channels.splice(0)) await channel.stop?.();
  await sandbox.stop();
});

function channelWith(more: Record<string, string> = {}): DeliveryChannel {
  const channel = createEmailChannel(readConfig({ ...gmailSettings(sandbox), ...more }));
  channels.push(channel);
  return channel;
}
const to = (email: string) => aRecord({ email, subject: 'Grüße', message: 'Hello\n.\nworld' });
const send = (channel: DeliveryChannel, email = 'ada@example.org'): Promise<Outcome> =>
  channel.deliver(to(email), never);

describe('a mail by the Gmail API', () => {
  test('that we fail to compose is a bug, and no trouble of Gmail’s', async () => {
    const provider = gmailProvider(readConfig(gmailSettings(sandbox)));
    const broken = { ...to('ada@example.org'), message: undefined as unknown as string, subject: undefined };
    await expect(provider.send(broken, never)).rejects.toThrow(TypeError);
    await provider.close?.();
  });
  test('arrives as MIME that a mail program reads, with the Message-ID of its notification', async () => {
    const record = aRecord({
      email: 'ada@example.org',
      subject: 'Grüße',
      message: 'Hello\n.\nworld',
      html: '<p>Hello</p>',
      attachments: [
        storedAttachmentOf({ filename: 'a.txt', content_type: 'text/plain', content: 'ZmlsZQ==' }),
      ],
    });
    const outcome = await channelWith().deliver(record, never);
    const [mail] = sandbox.mailbox.mails();
    expect(outcome).toMatchObject({ kind: 'sent', provider: 'gmail', provider_message_id: mail?.id });
    const parsed = await PostalMime.parse(mail?.raw ?? '');
    expect(parsed).toMatchObject({
      subject: 'Grüße',
      from: { name: 'Tidings', address: 'hello@tidings.example' },
      to: [{ address: 'ada@example.org' }],
      messageId: `<${record._id}@tidings.example>`,
    });
    expect(parsed.text?.trim()).toBe('Hello\n.\nworld');
    expect(parsed.html?.trim()).toBe('<p>Hello</p>');
    expect(parsed.attachments).toMatchObject([{ filename: 'a.txt', mimeType: 'text/plain' }]);
  });
  test('a plain one, composed by hand, arrives as well, every line ended by CRLF', async () => {
    await channelWith().deliver(aRecord({ email: 'ada@example.org', message: 'one\ntwo' }), never);
    const raw = sandbox.mailbox.mails()[0]?.raw.toString() ?? '';
    expect(raw).toMatch(/\r\n\r\none\r\ntwo\r\n$/);
    expect(raw.replaceAll('\r\n', '')).not.toMatch(/[\r\n]/);
  });
  test.each([
    ['bounce', { kind: 'permanent', code: 'invalidArgument', reason: 'Invalid To header' }],
    ['fail', { kind: 'transient', code: 'backendError', providerFault: true }],
    ['busy', { kind: 'deferred', code: 'rateLimitExceeded', afterMs: 5_000, providerFault: true }],
    ['drop', { kind: 'ambiguous', code: 'ECONNRESET' }],
  ])('to %s@ ends as it should', async (local, outcome) => {
    expect(await send(channelWith(), `${local}@example.org`)).toMatchObject({
      provider: 'gmail',
      ...outcome,
    });
  });
  test('to flaky@ fails twice and is then accepted, the same notification', async () => {
    const [channel, record, kinds] = [channelWith(), to('flaky@example.org'), [] as string[]];
    for (let attempt = 0; attempt < 3; attempt += 1) kinds.push((await channel.deliver(record, never)).kind);
    expect(kinds).toEqual(['transient', 'transient', 'sent']);
  });
});

describe('many at once', () => {
  test('go ten at a time, by one token', async () => {
    const channel = channelWith();
    let [current, most] = [0, 0];
    sandbox.beforeAnswer = async () => {
      current += 1;
      most = Math.max(most, current);
      await pause(30);
      current -= 1;
    };
    const outcomes = await Promise.all(Array.from({ length: 40 }, () => send(channel)));
    expect(new Set(outcomes.map(({ kind }) => kind))).toEqual(new Set(['sent']));
    expect(most).toBe(10);
    expect(sandbox.google.asked).toBe(1);
    expect(sandbox.mailbox.mails()).toHaveLength(40);
  });
  test('who finds no place in time is put off, untried: a crowd is nobody’s fault', async () => {
    const channel = channelWith({ GMAIL_CONCURRENCY: '1' });
    sandbox.gmailFault = { hang: true };
    const stop = new AbortController();
    const first = channel.deliver(to('first@example.org'), stop.signal);
    await until(() => sandbox.google.issued === 1);
    const second = await send(channel, 'second@example.org');
    expect(second).toMatchObject({ kind: 'deferred', code: 'busy', untried: true, isOurs: true });
    stop.abort();
    expect(await first).toMatchObject({ kind: 'ambiguous', code: 'ABORT_ERR' });
  });
});

describe('whether a mail may have arrived is known', () => {
  test('not when nobody listens', async () => {
    const channel = channelWith();
    await send(channel);
    await sandbox.stop();
    // A mail that goes into the kept connection, before its end was heard of, is ambiguous; the next one finds nobody.
    const outcome = await until(async () => {
      const one = await send(channel);
      return one.kind !== 'ambiguous' && one;
    });
    expect(outcome).toMatchObject({ kind: 'transient', code: 'ECONNREFUSED', providerFault: true });
  });
  test('not when the time was up before it was on its way', async () => {
    const channel = channelWith({ GMAIL_CONCURRENCY: '1' });
    sandbox.gmailFault = { delayMs: 500 };
    const first = send(channel, 'first@example.org');
    await until(() => sandbox.google.issued === 1);
    const waiting = new AbortController();
    const second = channel.deliver(to('second@example.org'), waiting.signal);
    await pause(50);
    waiting.abort();
    expect(await second).toEqual(expect.objectContaining({ kind: 'transient', code: 'ABORT_ERR' }));
    expect(await second).not.toHaveProperty('providerFault');
    expect((await first).kind).toBe('sent');
    expect(sandbox.mailbox.mails()).toHaveLength(1);
  });
  test('it may when the time was up afterwards, or the connection was cut', async () => {
    const channel = channelWith();
    sandbox.gmailFault = { delayMs: 60_000, taken: true };
    const waiting = new AbortController();
    const outcome = channel.deliver(to('a@example.org'), waiting.signal);
    await until(() => sandbox.mailbox.mails().length === 1);
    waiting.abort();
    expect(await outcome).toMatchObject({ kind: 'ambiguous', code: 'ABORT_ERR' });
    sandbox.gmailFault = { drop: true, taken: true };
    expect(await send(channel)).toMatchObject({ kind: 'ambiguous', code: 'ECONNRESET' });
  });
});

describe('access tokens', () => {
  test('one that is about to end is replaced while it is still used, and a refusal meanwhile stops nothing', async () => {
    const channel = channelWith();
    sandbox.tokenSeconds = 200;
    expect((await send(channel)).kind).toBe('sent');
    sandbox.tokenFault = {
      refuse: { status: 503, error: 'temporarily_unavailable', error_description: 'later' },
    };
    expect((await send(channel)).kind).toBe('sent');
    await until(() => sandbox.google.asked === 2);
    sandbox.tokenFault = undefined;
    sandbox.tokenSeconds = undefined;
    await until(async () => (await send(channel)).kind === 'sent' && sandbox.google.issued === 2);
    const { asked } = sandbox.google;
    await send(channel);
    expect(sandbox.google.asked).toBe(asked);
  });
  test('one that has ended before its time is replaced once, and the mail goes out all the same', async () => {
    const channel = channelWith();
    await send(channel);
    sandbox.google.revokeAccess();
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => send(channel)));
    expect(outcomes.every(({ kind }) => kind === 'sent')).toBe(true);
    expect(sandbox.google.issued).toBe(2);
  });
  test('one that is refused again and again is the provider’s fault', async () => {
    const channel = channelWith();
    sandbox.gmailFault = {
      refuse: {
        status: 401,
        reason: 'authError',
        message: 'Request had invalid authentication credentials.',
      },
    };
    expect(await send(channel)).toMatchObject({ kind: 'transient', code: 'authError', providerFault: true });
  });
  test('when consent was taken back, it says what to do; all who wait share one refusal', async () => {
    const channel = channelWith();
    sandbox.google.revokeGrants();
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => send(channel)));
    for (const outcome of outcomes)
      expect(outcome).toMatchObject({
        kind: 'transient',
        code: 'invalid_grant',
        providerFault: true,
        reason: expect.stringMatching(/Token has been expired or revoked.*npm run gmail:connect/) as string,
      });
    expect(sandbox.google.asked).toBe(1);
  });
  test('a token service that is silent, slow or broken is the provider’s fault, and nothing was sent', async () => {
    sandbox.tokenFault = { drop: true };
    expect(await send(channelWith())).toMatchObject({
      kind: 'transient',
      code: 'ECONNRESET',
      providerFault: true,
    });
    sandbox.tokenFault = { hang: true };
    const waiting = new AbortController();
    const outcome = channelWith().deliver(to('a@example.org'), waiting.signal);
    await until(() => sandbox.google.asked === 2);
    waiting.abort();
    expect(await outcome).toMatchObject({ kind: 'transient', code: 'ABORT_ERR' });
  });
  test('no secret gets into an outcome or through the log', async () => {
    const channel = channelWith({ GMAIL_CLIENT_SECRET: 'GOCSPX-canary-wrong' });
    const outcome = await send(channel);
    expect(outcome).toMatchObject({ code: 'invalid_client', providerFault: true });
    expect(JSON.stringify(outcome)).not.toMatch(/canary/);
    const settings = readConfig(gmailSettings(sandbox));
    const line = `${GOOGLE_CLIENT.clientSecret} ${GOOGLE_CLIENT.refreshToken} ya29.canary-access-token`;
    expect(redact(line, { secrets: secretsOf(settings) })).not.toMatch(/canary/);
    expect(redact(line)).not.toMatch(/canary/);
  });
});

describe('a service account', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'tidings-gmail-'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  const pair = () => generateKeyPair('RS256', { extractable: true });
  const email = 'tidings@project.iam.gserviceaccount.com';
  async function keyFile(key: Awaited<ReturnType<typeof pair>>): Promise<string> {
    const file = join(folder, 'key.json');
    const private_key = await exportPKCS8(key.privateKey);
    writeFileSync(
      file,
      JSON.stringify({ type: 'service_account', client_email: email, private_key_id: 'k1', private_key }),
    );
    return file;
  }

  test('sends for the mailbox of GMAIL_USER; another key is refused', async () => {
    const [key, other] = await Promise.all([pair(), pair()]);
    const publicKey = await exportSPKI(key.publicKey);
    const domain = await startGoogleSandbox({ ...GOOGLE_CLIENT, serviceAccount: { email, publicKey } });
    const settings = {
      EMAIL_PROVIDERS: 'gmail',
      GOOGLE_API_BASE_URL: googleUrl(domain),
      GMAIL_USER: 'notifications@tidings.example',
      GMAIL_SERVICE_ACCOUNT_FILE: await keyFile(key),
    };
    channels.push(createEmailChannel(readConfig(settings)));
    expect(await send(channels[0] as DeliveryChannel)).toMatchObject({ kind: 'sent', provider: 'gmail' });
    await keyFile(other);
    channels.push(createEmailChannel(readConfig(settings)));
    expect(await send(channels[1] as DeliveryChannel)).toMatchObject({
      code: 'invalid_grant',
      providerFault: true,
    });
    await domain.stop();
  });
  test.each([
    ['no JSON', 'no JSON'],
    ['{"type":"authorized_user","client_secret":"canary"}', 'type, client_email, private_key'],
  ])('a file that is none is named, and not quoted: %s', (content, why) => {
    const file = join(folder, 'key.json');
    writeFileSync(file, content);
    const make = (): unknown =>
      channelWith({ GMAIL_SERVICE_ACCOUNT_FILE: file, GMAIL_USER: 'a@tidings.example' });
    expect(make).toThrow(
      `GMAIL_SERVICE_ACCOUNT_FILE: ${file} is not the JSON key of a service account: ${why}`,
    );
    expect(make).not.toThrow(/canary/);
  });
});

test('what is missing is named, with the way to it', () => {
  expect(() => createEmailChannel(readConfig({ EMAIL_PROVIDERS: 'gmail' }))).toThrow(
    /GMAIL_REFRESH_TOKEN.*npm run gmail:connect/,
  );
  const file = { EMAIL_PROVIDERS: 'gmail', GMAIL_SERVICE_ACCOUNT_FILE: '/none.json' };
  expect(() => createEmailChannel(readConfig(file))).toThrow(/^GMAIL_USER: /);
  expect(() => readConfig({ GOOGLE_API_BASE_URL: 'http://google.example' })).toThrow(
    /GOOGLE_API_BASE_URL: must begin with https/,
  );
});

test('a fleet sends a hundred at once by Gmail, as the record says', async () => {
  const servers = await createTestServers();
  const config = testConfig(servers, gmailSettings(sandbox));
  const producer = await startTestProducer(config);
  const consumer = await startTestChannel(config, createEmailChannel(config), { concurrency: 20 });
  try {
    const notifications = Array.from({ length: 100 }, (_, n) => ({
      user_id: `u${n}`,
      type: 'email',
      email: `u${n}@example.org`,
      subject: 'Welcome!',
      message: 'Thanks for signing up!',
    }));
    const { json } = await producer.call('POST', '/v1/notifications/batch', { notifications });
    const [{ id }] = json.accepted as [{ id: string }];
    await until(() => sandbox.mailbox.mails().length === 100, 20_000);
    const record = await until(async () => {
      const answer = await producer.call('GET', `/v1/notifications/${id}`);
      return answer.json.status === 'sent' && answer.json;
    });
    expect(record).toMatchObject({ provider: 'gmail', attempt: 1 });
    expect(sandbox.google.asked).toBe(1);
  } finally {
    await consumer.stop();
    await producer.stop();
    await servers.drop();
  }
});
