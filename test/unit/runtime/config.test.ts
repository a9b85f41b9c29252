import { describe, expect, test } from 'vitest';
import { ConfigError, problemsOf, readConfig } from '../../../shared/runtime/config.ts';

describe('the configuration', () => {
  test('of an empty environment is the documented default', () => {
    const config = readConfig({});
    expect(config).toMatchObject({ PORT: 3000, HOST: '127.0.0.1', LEASE_SECONDS: 15, RETENTION_DAYS: 30 });
    expect(config.RETRY_DELAYS).toEqual([30_000, 120_000, 600_000, 1_800_000, 3_600_000]);
  });
  test('takes an empty value as not set, as in a copied .env.example', () => {
    expect(readConfig({ PORT: '', SMTP_URL: '' })).toEqual(readConfig({}));
  });
  test.each([
    ['SMTP_URL', 'smtp://mail.example.org'],
    ['SMTP_URL', 'smtps://me:secret@192.0.2.1:465'],
    ['SMTP_BACKUP_URL', 'smtp://mail.example.org:587'],
  ])('refuses the default MAIL_FROM beside a mail server elsewhere: %s=%s', (name, url) => {
    expect(() => readConfig({ [name]: url })).toThrow(`MAIL_FROM: is needed beside ${name}`);
    expect(readConfig({ [name]: url, MAIL_FROM: 'a@example.org' })).toMatchObject({ [name]: url });
  });
  test('lets the sandbox have the default MAIL_FROM', () => {
    expect(readConfig({ SMTP_URL: 'smtp://127.0.0.1:2525' }).MAIL_FROM).toContain('@localhost.example');
  });
  test.each([
    ['Grüße <grüße@example.org>', /^The environment.*MAIL_FROM: .*ASCII characters only/s],
    ['Shop <shop@exa mple.org>', /MAIL_FROM: /],
    ['Shop, Inc. <shop@example.org>', /MAIL_FROM: must be an address/],
    ['a@example.org, b@example.org', /MAIL_FROM: /],
    ['shop@example', /MAIL_FROM: /],
    ['a@example.org\nBcc: b@example.org', /MAIL_FROM: must be one line/],
  ])('refuses a MAIL_FROM that no server could take: %s', (MAIL_FROM, words) => {
    expect(() => readConfig({ MAIL_FROM })).toThrow(words);
  });
  test.each([
    ['Grüße <hallo@bücher.example>', 'Grüße <hallo@xn--bcher-kva.example>'],
    ['"Shop, Inc." <shop@EXAMPLE.org>', '"Shop, Inc." <shop@example.org>'],
    ['c/o@example.org', 'c/o@example.org'],
  ])('reads a MAIL_FROM in its canonical form: %s', (MAIL_FROM, canonical) => {
    expect(readConfig({ MAIL_FROM }).MAIL_FROM).toBe(canonical);
  });
  test('refuses to send the credentials of Twilio over an open line', () => {
    const read = (url: string) => () => readConfig({ TWILIO_API_BASE_URL: url });
    expect(read('http://api.example.org')).toThrow(/TWILIO_API_BASE_URL: must begin with https/);
    expect(read('https://api.example.org')).not.toThrow();
    expect(read('http://127.0.0.1:4010')).not.toThrow();
  });
  test('lists every problem at once, each by its name', () => {
    const bad = {
      PORT: 'x',
      RETRY_DELAYS: '30s,soon',
      API_KEY: 'short',
      MONGO_URI: 'http://x',
      TWILIO_ACCOUNT_SID: 'AC1',
    };
    const read = (): unknown => readConfig(bad);
    expect(read).toThrow(ConfigError);
    for (const name of Object.keys(bad)) expect(read).toThrow(new RegExp(`${name}: must be`));
  });
  test('says in the same message what is wrong between settings, and what else is asked of them, once each', () => {
    const env = { API_KEY: 'short', JWT_ISSUER: 'https://issuer.example', BOUNCE_DOMAIN: 'Not a domain' };
    const read = (): unknown =>
      readConfig({ ...env, BOUNCE_SECRET: 'sixteen-characters' }, ({ API_KEY, PORT }) => [
        `EXTRA: key ${String(API_KEY)}, port ${PORT}`,
        'EXTRA_TOO: needs an API_KEY',
      ]);
    expect(problemsOf(read)).toEqual([
      expect.stringMatching(/^API_KEY: must be/),
      expect.stringMatching(/^BOUNCE_DOMAIN: must be a domain/),
      expect.stringMatching(/^JWKS_URL: is needed beside/),
      expect.stringMatching(/^JWT_AUDIENCE: is needed beside/),
      'EXTRA: key undefined, port 3000',
    ]);
    expect(read).toThrow(/^The environment has 5 problem\(s\):\n {2}API_KEY: /);
  });
  test('takes the nodes of a cluster and the members of a replica set', () => {
    const RABBITMQ_URL = 'amqp://u:p@a:5672/v,amqps://u:p@b:5671/v';
    const MONGO_URI = 'mongodb://a:27017,b:27017/tidings?replicaSet=rs0';
    expect(readConfig({ RABBITMQ_URL, MONGO_URI })).toMatchObject({ RABBITMQ_URL, MONGO_URI });
    expect(() => readConfig({ RABBITMQ_URL: 'amqp://a,http://b' })).toThrow(/RABBITMQ_URL: must be/);
  });
  test('takes any printable key of 16 characters or more', () => {
    expect(readConfig({ API_KEY: '!"#$%&/()=?-0123' }).API_KEY).toBe('!"#$%&/()=?-0123');
    expect(() => readConfig({ API_KEY: 'fifteen-chars-x' })).toThrow(ConfigError);
  });
  test('lets gRPC speak in the clear on this machine only, and takes a certificate with its key only', () => {
    expect(readConfig({ GRPC_PORT: '50051', HOST: 'localhost' }).GRPC_PORT).toBe(50_051);
    const open = { GRPC_PORT: '50051', HOST: '0.0.0.0' };
    expect(() => readConfig(open)).toThrow(/GRPC_TLS_CERT_FILE: is needed.*0\.0\.0\.0.*in the clear/);
    const files = { GRPC_TLS_CERT_FILE: 'a.pem', GRPC_TLS_KEY_FILE: 'a.key' };
    expect(readConfig({ ...open, ...files })).toMatchObject(files);
    expect(() => readConfig({ GRPC_TLS_CERT_FILE: 'a.pem' })).toThrow(
      /GRPC_TLS_KEY_FILE: is needed beside GRPC_TLS_CERT_FILE/,
    );
    expect(readConfig({ HOST: '0.0.0.0' }).GRPC_PORT).toBeUndefined();
  });
});
