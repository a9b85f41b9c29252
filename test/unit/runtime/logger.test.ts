import { Writable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { readConfig } from '../../../shared/runtime/config.ts';
import { createLogger, type Logger } from '../../../shared/runtime/logger.ts';
import { redact, secretsOf } from '../../../shared/runtime/redact.ts';

/** A logger, and what it has written. */
function written(more: Record<string, string>): { log: Logger; text: () => string } {
  let text = '';
  const stream = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      text += chunk.toString();
      done();
    },
  });
  return { log: createLogger(readConfig(more), 'test', stream), text: () => text };
}

describe('secrets never reach a log line', () => {
  const canary = 'k4n4ry-k4n4ry-k4n4ry';
  test('by name, in URLs, inside errors and their causes', () => {
    const error = new Error(`connect amqp://user:${canary}@host failed`, { cause: { password: canary } });
    const line = JSON.stringify(
      redact({ api_key: canary, nested: { Authorization: canary }, error, url: `mongodb://u:${canary}@h` }),
    );
    expect(line).not.toContain(canary);
    expect(line).toContain('//***@host');
  });
  test('by shape: bearers, keys, signed tokens', () => {
    const key = `tidk_0123456789ab_${'s'.repeat(43)}`;
    const token = `eyJhbGciOiJIUzI1NiJ9.${'p'.repeat(20)}.${'s'.repeat(20)}`;
    const line = String(redact(`sent Bearer ${canary}, then ${key}, then ${token}`));
    for (const secret of [canary, 's'.repeat(20), 'p'.repeat(20)]) expect(line).not.toContain(secret);
  });
  test('where the text is cut', () => {
    for (const secret of [canary, 'ada@example.org', 'Bearer k4n4ry-k4n4ry']) {
      const line = String(redact(`${'x '.repeat(8_187)}${secret} and more`, { secrets: [canary] }));
      expect(line).toMatch(/\[cut\]$/);
      expect(line).not.toMatch(/k4n|ada/);
    }
  });
  test('where the looked-at text ends, also when masking has made it shorter', () => {
    const tokens = `Bearer ${'T'.repeat(90)} `.repeat(300).slice(0, 20_468);
    expect(String(redact(`${tokens} ${canary} and more`, { secrets: [canary] }))).not.toContain('k4n');
  });
  test('those of the settings wherever they turn up, also encoded', () => {
    const { log, text } = written({
      API_KEY: canary,
      MAIL_FROM: 'shop@example.org',
      SMTP_URL: 'smtp://me:p%40ss-word@mail.example.org',
      SMTP_BACKUP_URL: 'smtps://me:backup-canary@backup.example.org',
      TWILIO_AUTH_TOKEN: 'twilio-canary',
      TWILIO_STATUS_CALLBACK_URL: 'https://twilio:callback-canary@t.example/status',
      BOUNCE_DOMAIN: 'bounces.example.org',
      BOUNCE_SECRET: 'bounce-canary-of-a-fleet',
      GMAIL_CLIENT_SECRET: 'client-canary',
      GMAIL_REFRESH_TOKEN: 'refresh-canary',
      MONGO_URI: 'mongodb://u:mongo-canary@h/t',
      RABBITMQ_URL: 'amqp://u:rabbit-1@h,amqp://u:rabbit-2@i',
    });
    const servers = 'p%40ss-word p@ss-word backup-canary mongo-canary rabbit-1 rabbit-2';
    const providers = 'twilio-canary callback-canary bounce-canary-of-a-fleet client-canary refresh-canary';
    const said = `${canary} ${servers} ${providers}`;
    log.warn(`refused: ${said}`, { reason: said, error: new Error(said) });
    for (const secret of said.split(' ')) expect(text()).not.toContain(secret);
    expect(text()).toContain('refused: *** ***');
  });
  test('a word that is too short to be one is left alone', () => {
    expect(secretsOf({ SMTP_URL: 'smtp://me:sent@mail' })).toEqual([]);
  });
});

describe('recipients', () => {
  const said = '550 no such user: <ada.lovelace@example.org>, +12025550199 either';
  test('are masked unless wanted', () => {
    const { log, text } = written({});
    log.warn('refused', { reason: said });
    expect(text()).toContain('<a***@example.org>, +12***99 either');
    const full = written({ LOG_RECIPIENTS: 'full' });
    full.log.warn('refused', { reason: said });
    expect(full.text()).toContain(said);
  });
  test('a Message-ID is none', () => {
    const id = '<01a1fc45-d00b-7038-9152-4e94cf437e0c@example.org>';
    expect(redact(id)).toBe(id);
  });
  test.each(['a'.repeat(200_000), 'a.'.repeat(100_000), 'a@'.repeat(100_000), `+1${'2'.repeat(200_000)}`])(
    'looking for them takes no longer in what is made to be slow (%#)',
    (hostile) => {
      const begunAt = performance.now();
      redact(hostile);
      expect(performance.now() - begunAt).toBeLessThan(500);
    },
  );
});

describe('a log line cannot be forged', () => {
  const forged = 'x\n12:00:00.000 error all is lost\u001b[2J\u2028\r';
  test.each(['json', 'text'])('in %s, whatever a text, a field’s name or an error says', (LOG_FORMAT) => {
    const { log, text } = written({ LOG_FORMAT });
    log.warn(`bad ${forged}`, { reason: forged, [forged]: forged, list: [forged], error: new Error(forged) });
    const lines = text().trimEnd().split('\n');
    // A stack has lines of its own, which are further in.
    expect(lines.filter((line) => /^\S/.test(line))).toHaveLength(1);
    expect(lines.some((line) => line.startsWith('12:00:00.000 error'))).toBe(false);
    // eslint-disable-next-line no-control-regex
    expect(text()).not.toMatch(/[\u001b\u2028\r]/);
  });
});
