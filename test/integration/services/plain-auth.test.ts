import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { SMTPServer } from 'smtp-server';
import { afterEach, describe, expect, test } from 'vitest';
import type { Outcome, Provider } from '../../../shared/delivery/index.ts';
import { readConfig } from '../../../shared/runtime/config.ts';
import { mailServerOf } from '../../../shared/smtp/index.ts';
import { aRecord } from '../../support/records.ts';

const passwords: string[] = [];
let server: SMTPServer | undefined;
let provider: Provider | undefined;

afterEach(async () => {
  passwords.length = 0;
  await provider?.close?.();
  await new Promise<void>((resolve) => {
    if (server) server.close(resolve);
    else resolve();
  });
});

/** Sends one mail to a server that takes a password in plain text, at a host that is this machine by any name. */
async function sendTo(host: string, { starttls = false, query = '', env = {} } = {}): Promise<Outcome> {
  server = new SMTPServer({
    allowInsecureAuth: true,
    disabledCommands: starttls ? [] : ['STARTTLS'],
    onAuth: ({ password }, _session, done) => {
      passwords.push(password ?? '');
      done(null, { user: 'me' });
    },
    onData: (stream, _session, done) => {
      stream.resume().once('end', done);
    },
  });
  server.on('error', () => undefined);
  server.listen(0);
  await once(server.server, 'listening');
  const url = `smtp://me:secret@${host}:${(server.server.address() as AddressInfo).port}${query}`;
  const config = readConfig({ SMTP_URL: url, MAIL_FROM: 'a@tidings.example', ...env });
  provider = mailServerOf(config, { name: 'smtp', url });
  return provider.send(aRecord(), AbortSignal.timeout(20_000));
}

describe('A password for a mail server', () => {
  // 0.0.0.0 leads to this machine, but is not one of its loopback addresses.
  test.each(['', '?requireTLS=false', '?ignoreTLS=true', '?opportunisticTLS=true', '?secure=false'])(
    'is not sent without TLS to another machine, whatever the URL says: %s',
    async (query) => {
      const outcome = await sendTo('0.0.0.0', { query });
      expect(outcome).toMatchObject({ kind: 'transient', providerFault: true });
      expect(outcome.reason).toContain('SMTP_ALLOW_PLAIN_AUTH=1');
      expect(passwords).toEqual([]);
    },
  );

  test('is sent by TLS only to a server that offers it', async () => {
    const outcome = await sendTo('0.0.0.0', { starttls: true });
    // Nobody trusts the certificate that the server brings along.
    expect(outcome).toMatchObject({ kind: 'transient', providerFault: true });
    expect(passwords).toEqual([]);
    await provider?.close?.();
    const trusting = await sendTo('0.0.0.0', { starttls: true, query: '?tls.rejectUnauthorized=false' });
    expect(trusting.kind).toBe('sent');
    expect(passwords).toEqual(['secret']);
  });

  test('is sent without TLS to this machine', async () => {
    expect((await sendTo('127.0.0.1')).kind).toBe('sent');
    expect(passwords).toEqual(['secret']);
  });

  test('is sent without TLS where SMTP_ALLOW_PLAIN_AUTH says so', async () => {
    expect((await sendTo('0.0.0.0', { env: { SMTP_ALLOW_PLAIN_AUTH: '1' } })).kind).toBe('sent');
    expect(passwords).toEqual(['secret']);
  });
});
