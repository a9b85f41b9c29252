import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { SMTPServer, type SMTPServerAuthentication } from 'smtp-server';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Sandbox } from '../../../infra/local/sandbox/sandbox.ts';
import { createEmailChannel } from '../../../services/email/channel.ts';
import { createSmsChannel } from '../../../services/sms/channel.ts';
import type { DeliveryChannel } from '../../../shared/delivery/index.ts';
import { readConfig } from '../../../shared/runtime/config.ts';
import { gmailSettings, startGoogleSandbox } from '../../support/google.ts';
import { aRecord } from '../../support/records.ts';

/** A mail server that lets in by XOAUTH2 and by nothing else, and asks the stand-in for Google whether a token holds. */
let sandbox: Sandbox;
let server: SMTPServer;
let channel: DeliveryChannel | undefined;
let seen: Partial<SMTPServerAuthentication>[] = [];
let mails = 0;

beforeEach(async () => {
  sandbox = await startGoogleSandbox();
  [seen, mails] = [[], 0];
  server = new SMTPServer({
    authMethods: ['XOAUTH2'],
    allowInsecureAuth: true,
    disabledCommands: ['STARTTLS'],
    onAuth: ({ method, username, accessToken }, _session, done) => {
      seen.push({ method, username, accessToken });
      const isGood = sandbox.google.scopeOfAccess(accessToken ?? '') !== undefined;
      if (isGood) done(null, { user: username });
      else done(null, { data: { status: '401', schemes: 'bearer', scope: 'https://mail.google.com/' } });
    },
    onData: (stream, _session, done) => {
      stream.resume().once('end', () => {
        mails += 1;
        done();
      });
    },
  });
  server.on('error', () => undefined);
  server.listen(0);
  await once(server.server, 'listening');
});
afterEach(async () => {
  await channel?.stop?.();
  await new Promise<void>((resolve) => {
    server.close(resolve);
  });
  await sandbox.stop();
});

function channelTo(host: string): DeliveryChannel {
  const { port } = server.server.address() as AddressInfo;
  channel = createEmailChannel(
    readConfig({
      ...gmailSettings(sandbox),
      EMAIL_PROVIDERS: 'smtp',
      SMTP_URL: `smtp://${host}:${port}`,
      SMTP_OAUTH: 'google',
      GMAIL_USER: 'hello@tidings.example',
      EMAIL_CONCURRENCY: '1',
    }),
  );
  return channel;
}
const deliver = (email: DeliveryChannel) => email.deliver(aRecord(), new AbortController().signal);

test('a mail server that wants XOAUTH2 gets the user and an access token of Google’s', async () => {
  const email = channelTo('127.0.0.1');
  expect(await deliver(email)).toMatchObject({ kind: 'sent', provider: 'smtp' });
  expect(seen).toMatchObject([{ method: 'XOAUTH2', username: 'hello@tidings.example' }]);
  expect(sandbox.google.scopeOfAccess(seen[0]?.accessToken ?? '')).toBeDefined();
  expect([mails, sandbox.google.asked]).toEqual([1, 1]);
});
test('so do texts that go to the gateways of carriers by the same mail server', async () => {
  const { port } = server.server.address() as AddressInfo;
  channel = createSmsChannel(
    readConfig({
      ...gmailSettings(sandbox),
      SMS_PROVIDERS: 'sms_gateway',
      SMS_GATEWAY_FROM: 'sms@tidings.example',
      SMS_GATEWAY_CARRIERS: 'acme=sms.acme.example',
      SMTP_URL: `smtp://127.0.0.1:${port}`,
      SMTP_OAUTH: 'google',
      GMAIL_USER: 'hello@tidings.example',
    }),
  );
  const text = aRecord({ type: 'sms', phone: '+12025550123', carrier: 'acme' });
  expect((await channel.deliver(text, new AbortController().signal)).kind).toBe('sent');
  expect([seen[0]?.method, mails]).toEqual(['XOAUTH2', 1]);
});
test('a token that is refused is replaced, and the mail goes out in the same attempt', async () => {
  const email = channelTo('127.0.0.1');
  await deliver(email);
  sandbox.google.revokeAccess();
  server.connections.forEach((connection) => {
    connection.close();
  });
  expect((await deliver(email)).kind).toBe('sent');
  expect(new Set(seen.map(({ accessToken }) => accessToken)).size).toBe(2);
  expect(mails).toBe(2);
});
test('without consent there is no way in: the server’s fault, with what to do', async () => {
  sandbox.google.revokeGrants();
  expect(await deliver(channelTo('127.0.0.1'))).toMatchObject({
    kind: 'transient',
    providerFault: true,
    reason: expect.stringContaining('npm run gmail:connect') as string,
  });
  expect(seen).toEqual([]);
});
test('over an open line to anywhere else no token goes out', async () => {
  // Not written as an address of this machine, though it leads here.
  expect(await deliver(channelTo('0.0.0.0'))).toMatchObject({ kind: 'transient', providerFault: true });
  expect([seen, mails]).toEqual([[], 0]);
});
test('what would be a second way in, or an open one, is refused at the start', () => {
  const starting = (more: Record<string, string>) => () =>
    createEmailChannel(
      readConfig({
        ...gmailSettings(sandbox),
        EMAIL_PROVIDERS: 'smtp',
        SMTP_OAUTH: 'google',
        GMAIL_USER: 'a@tidings.example',
        ...more,
      }),
    );
  for (const url of [
    'smtp://me:secret@mail.example',
    'smtp://me@mail.example',
    'smtp://mail.example?ignoreTLS=true',
  ])
    expect(starting({ SMTP_URL: url })).toThrow(/^SMTP_URL: must have neither user and password nor options/);
  expect(starting({ SMTP_URL: 'smtps://mail.example', GMAIL_USER: '' })).toThrow(
    /^GMAIL_USER: is needed beside SMTP_OAUTH/,
  );
});
