import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { serviceProblems } from '../../../infra/local/settings-check.ts';
import { readConfig } from '../../../shared/runtime/config.ts';

/** What only a service asks of its settings is said before anything is started. */
const folder = mkdtempSync(join(tmpdir(), 'tidings-settings-'));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});
const shortKey = join(folder, 'short.pem');
const short = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey;
writeFileSync(shortKey, short.export({ type: 'pkcs8', format: 'pem' }));
const noPem = join(folder, 'no.pem');
writeFileSync(noPem, 'no certificate');

const twilio = { TWILIO_ACCOUNT_SID: `AC${'a'.repeat(32)}`, TWILIO_AUTH_TOKEN: 'token' };
const gateway = { SMS_PROVIDERS: 'sms_gateway', SMS_GATEWAY_FROM: 'sms@example.org' };
const server = { SMTP_URL: 'smtp://127.0.0.1' };
const dkim = { DKIM_DOMAIN: 'example.org', MAIL_FROM: 'a@example.org' };

test.each<[string, Record<string, string>, RegExp[]]>([
  ['nothing is set', {}, []],
  ['the sandbox stands in for all', { EMAIL_PROVIDERS: 'smtp,gmail', SMS_PROVIDERS: 'twilio' }, []],
  ['there is no such provider', { EMAIL_PROVIDERS: 'smtp,bogus' }, [/^EMAIL_PROVIDERS: .* bogus; there are/]],
  ['of both channels', { EMAIL_PROVIDERS: 'a', SMS_PROVIDERS: 'b' }, [/^EMAIL_PROV.* a;/, /^SMS_PROV.* b;/]],
  ['the backup has no address', { EMAIL_PROVIDERS: 'smtp,smtp_backup' }, [/^SMTP_BACKUP_URL: is needed/]],
  ['the account has no sender', twilio, [/^TWILIO_PHONE_NUMBER: is needed beside TWILIO_ACCOUNT_SID and/]],
  [
    'the gateway has no sender',
    { SMS_PROVIDERS: 'sms_gateway' },
    [/^SMS_GATEWAY_FROM: is needed beside SMTP_URL .*, such as/],
  ],
  ['the gateway has one', gateway, []],
  [
    'Gmail has half of it',
    { EMAIL_PROVIDERS: 'gmail', GMAIL_CLIENT_ID: 'x' },
    [/^GMAIL_CLIENT_SECRET: is needed beside GMAIL_CLIENT_ID/, /^GMAIL_REFRESH_TOKEN: is needed/],
  ],
  [
    'the account file is none',
    { EMAIL_PROVIDERS: 'gmail', GMAIL_USER: 'a@example.org', GMAIL_SERVICE_ACCOUNT_FILE: noPem },
    [/^GMAIL_SERVICE_ACCOUNT_FILE: .*no JSON/],
  ],
  ['nobody signs in', { ...server, SMTP_OAUTH: 'google' }, [/^GMAIL_USER: is needed beside SMTP_OAUTH/]],
  [
    'behind it the key cannot sign, for both servers',
    { ...server, SMTP_OAUTH: 'google', ...dkim, DKIM_KEY_FILE: shortKey, ...gateway },
    [/^GMAIL_USER: /, /^GMAIL_USER: /, /^DKIM_KEY_FILE: .* has 1024 bits/],
  ],
  ['Gmail signs by itself', { EMAIL_PROVIDERS: 'gmail', ...dkim, DKIM_KEY_FILE: '/nowhere' }, []],
  [
    'the certificate is none',
    { GRPC_TLS_CERT_FILE: noPem, GRPC_TLS_KEY_FILE: shortKey },
    [/^GRPC_TLS_CERT_FILE and GRPC_TLS_KEY_FILE: must be/],
  ],
  [
    'there is no certificate',
    { GRPC_TLS_CERT_FILE: '/nowhere', GRPC_TLS_KEY_FILE: shortKey },
    [/^GRPC_TLS_CERT_FILE: cannot be read/],
  ],
])('%s', (_when, env, problems) => {
  expect(serviceProblems(readConfig(env))).toEqual(
    problems.map((problem) => expect.stringMatching(problem) as string),
  );
});
