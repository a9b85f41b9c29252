import { describe, expect, test } from 'vitest';
import { serviceProblems } from '../../../infra/local/settings-check.ts';
import { sandboxNeeds, sandboxedProviders } from '../../../infra/local/stand-ins.ts';
import { readConfig } from '../../../shared/runtime/config.ts';

const SID = `AC${'a'.repeat(32)}`;
const TWILIO = { TWILIO_ACCOUNT_SID: SID, TWILIO_AUTH_TOKEN: 'token', TWILIO_PHONE_NUMBER: '+15005550006' };
const MAIL = { SMTP_URL: 'smtp://127.0.0.1' };
const GATEWAY = { SMS_PROVIDERS: 'sms_gateway', SMS_GATEWAY_FROM: 'sms@example.org' };
const problems = (env: Record<string, string>): string[] => serviceProblems(readConfig(env));
const needsOf = (env: Record<string, string>) => sandboxNeeds(readConfig(env));

describe('half of the credentials of a provider', () => {
  test.each<[Record<string, string>, string[]]>([
    [{ TWILIO_ACCOUNT_SID: SID }, ['TWILIO_AUTH_TOKEN', 'TWILIO_PHONE_NUMBER']],
    [{ TWILIO_AUTH_TOKEN: 'token' }, ['TWILIO_ACCOUNT_SID', 'TWILIO_PHONE_NUMBER']],
    [{ TWILIO_PHONE_NUMBER: '+15005550006' }, ['TWILIO_ACCOUNT_SID', 'TWILIO_AUTH_TOKEN']],
    [{ ...TWILIO, TWILIO_AUTH_TOKEN: '' }, ['TWILIO_AUTH_TOKEN']],
    [{ TWILIO_API_BASE_URL: 'https://twilio.example' }, Object.keys(TWILIO)],
    [{ SMTP_OAUTH: 'google' }, ['SMTP_URL']],
    [{ EMAIL_PROVIDERS: 'smtp,smtp_backup', SMTP_BACKUP_URL: 'smtp://127.0.0.1:26' }, ['SMTP_URL']],
    [{ EMAIL_PROVIDERS: 'gmail', GMAIL_CLIENT_ID: 'x' }, ['GMAIL_CLIENT_SECRET', 'GMAIL_REFRESH_TOKEN']],
    [{ EMAIL_PROVIDERS: 'gmail', GMAIL_CLIENT_SECRET: 'x' }, ['GMAIL_CLIENT_ID', 'GMAIL_REFRESH_TOKEN']],
    [{ EMAIL_PROVIDERS: 'gmail', GMAIL_REFRESH_TOKEN: 'x' }, ['GMAIL_CLIENT_ID', 'GMAIL_CLIENT_SECRET']],
    [{ ...GATEWAY, SMS_GATEWAY_FROM: '' }, ['SMS_GATEWAY_FROM']],
    [{ ...GATEWAY, SMTP_OAUTH: 'google' }, ['SMTP_URL', 'SMTP_URL']],
  ])('%j stops the start and names what is missing, also with SANDBOX=1', (env, missing) => {
    for (const more of [{}, { SANDBOX: '1' }]) {
      const lines = problems({ ...env, ...more });
      expect(lines.map((line) => line.slice(0, line.indexOf(':')))).toEqual(missing);
      for (const line of lines) expect(line).toMatch(/is needed .*by /);
    }
  });

  test('names what it is needed beside', () => {
    expect(problems({ ...TWILIO, TWILIO_AUTH_TOKEN: '' })).toEqual([
      'TWILIO_AUTH_TOKEN: is needed beside TWILIO_ACCOUNT_SID and TWILIO_PHONE_NUMBER by the provider twilio, as the console of Twilio shows it',
    ]);
  });
});

describe('the sandbox', () => {
  test('stands in for each provider that is used and has no credentials', () => {
    expect(needsOf({})).toEqual({ mail: true, sms: true, gmail: false });
    expect(needsOf({ ...MAIL, ...TWILIO })).toEqual({ mail: false, sms: false, gmail: false });
    expect(needsOf({ ...MAIL })).toEqual({ mail: false, sms: true, gmail: false });
    expect(needsOf({ ...MAIL, ...GATEWAY })).toEqual({ mail: false, sms: false, gmail: false });
    expect(needsOf({ ...GATEWAY, EMAIL_PROVIDERS: 'gmail' })).toEqual({
      mail: true,
      sms: false,
      gmail: true,
    });
    expect(sandboxedProviders(readConfig({ ...GATEWAY, EMAIL_PROVIDERS: 'smtp,gmail' }))).toEqual([
      'smtp',
      'sms_gateway',
      'gmail',
    ]);
  });

  test('is used on this machine without being asked for', () => {
    for (const HOST of ['127.0.0.1', '127.0.0.2', 'localhost', '::1']) expect(problems({ HOST })).toEqual([]);
  });

  test.each<[Record<string, string>, RegExp]>([
    [
      { HOST: '0.0.0.0' },
      /^SANDBOX: must be 1 .* smtp and twilio.*HOST=0\.0\.0\.0.*SMTP_URL, TWILIO_ACCOUNT_SID/,
    ],
    [{ HOST: '::' }, /HOST=::/],
    [{ PUBLIC_URL: 'https://tidings.example.org' }, /PUBLIC_URL=https:\/\/tidings\.example\.org/],
    [{ HOST: '192.0.2.1', ...MAIL }, /instead of twilio,/],
    [{ SANDBOX: '0' }, /for it is 0/],
  ])('needs SANDBOX=1 with %j', (env, words) => {
    expect(problems(env)).toEqual([expect.stringMatching(words)]);
    expect(problems({ ...env, SANDBOX: '1' })).toEqual([]);
    expect(problems({ ...env, ...MAIL, ...TWILIO, SMS_COUNTRIES: '*' })).toEqual([]);
  });

  test.each<[Record<string, string>, string]>([
    [
      { SMS_GATEWAY_FROM: 'sms@example.org' },
      'SMS_PROVIDERS: does not name sms_gateway, whose SMS_GATEWAY_FROM',
    ],
    [{ GMAIL_REFRESH_TOKEN: 'x' }, 'EMAIL_PROVIDERS: does not name gmail, whose GMAIL_REFRESH_TOKEN'],
    [{ ...GATEWAY, ...TWILIO }, 'SMS_PROVIDERS: does not name twilio, whose TWILIO_ACCOUNT_SID'],
  ])('does not take what %j was given for, unless SANDBOX=1', (env, words) => {
    expect(problems(env)).toEqual([expect.stringContaining(words)]);
    expect(problems({ ...env, SANDBOX: '1' })).toEqual([]);
  });
});
