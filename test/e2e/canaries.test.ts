import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { SMTPServer } from 'smtp-server';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createEmailChannel } from '../../services/email/channel.ts';
import { SERVICES } from '../../infra/local/fleet.ts';
import { readConfig } from '../../shared/runtime/config.ts';
import { ApiClient, PASSWORD } from '../support/api-client.ts';
import { startCommand } from '../support/command.ts';
import { startLocalFleet, type LocalFleet } from '../support/local-fleet.ts';
import { aRecord } from '../support/records.ts';
import { createTestServers } from '../support/servers.ts';
import { Visitor } from '../support/visitor.ts';
import { until } from '../support/until.ts';

/** What must be seen by nobody but the recipient: every part of every message, and every credential. */
const CONTENT = {
  message: 'canary-message-424242',
  subject: 'canary-subject',
  html: 'canary-html',
  data: 'canary-data',
  address: 'canary-address',
  phone: '+12025550147',
  idempotencyKey: 'canary-idempotency-key',
};
const ROOT_KEY = 'canary-root-key-0123456789';
let fleet: LocalFleet;
const credentials: string[] = [ROOT_KEY, PASSWORD];

beforeAll(async () => {
  fleet = await startLocalFleet({ API_KEY: ROOT_KEY, LOG_LEVEL: 'debug', RETRY_DELAYS: '1s,300s' });
});
afterAll(async () => {
  await fleet.stop();
});

const root = () => new ApiClient(fleet.address, ROOT_KEY);
const item = (type: string, more: object) => ({
  user_id: 'u1',
  type,
  message: CONTENT.message,
  subject: CONTENT.subject,
  data: { note: CONTENT.data },
  ...more,
});
/** One for each way that a message can go. */
const items = () => [
  ...['', '+flaky', '+bounce', '+fail', '+drop'].map((tag) =>
    item('email', {
      email: `${tag.slice(1) === '' ? CONTENT.address : tag.slice(1)}@example.org`,
      html: `<p>${CONTENT.html}</p>`,
    }),
  ),
  item('email', { email: `${CONTENT.address}@invalid-host-that-is-not.example` }),
  item('sms', { phone: CONTENT.phone }),
  item('sms', { phone: '+15005550001' }),
  item('sms', { phone: '+15005550102' }),
  item('in_app', {}),
];

/** What is shown of a thing must hold none of these. */
function expectNone(shown: string, where: string, secrets: readonly string[]): void {
  for (const secret of secrets)
    expect([where, secret, shown.includes(secret)]).toEqual([where, secret, false]);
}
const content = Object.values(CONTENT);

describe('canaries in messages and credentials', () => {
  test('are planted: keys, tokens, a sign-in, and messages on every way', async () => {
    const { json: key } = await root().call('POST', '/v1/keys', { name: 'shop', scopes: ['send'] });
    const { json: userToken } = await root().call('POST', '/v1/users/u1/token');
    credentials.push(String(key.key).slice(-43), String(userToken.access_token));
    const link = /\/sign-in\/link\?secret=([\w-]+)/.exec(fleet.output())?.[1] ?? '';
    const visitor = new Visitor(fleet.address);
    const signedIn = await visitor.submit('/sign-in/link', { secret: link });
    const cookie = signedIn.headers.get('set-cookie')?.split(';')[0] ?? '';
    credentials.push(cookie.split('=')[1] ?? '');
    await new Visitor(fleet.address, cookie).submit('/account', { password: PASSWORD });
    const grant = { grant_type: 'password', username: 'operator', password: PASSWORD };
    const { json: tokens } = await new ApiClient(fleet.address).call('POST', '/v1/auth/token', grant);
    credentials.push(String(tokens.access_token), String(tokens.refresh_token));
    await new ApiClient(fleet.address).call('POST', '/v1/auth/token', {
      ...grant,
      password: 'canary-wrong-password',
    });
    credentials.push('canary-wrong-password');
    expect(credentials.every((one) => one.length > 15)).toBe(true);
    const sender = new ApiClient(fleet.address, String(key.key));
    const sent = await sender.call(
      'POST',
      '/v1/notifications/batch',
      { notifications: items() },
      {
        'idempotency-key': CONTENT.idempotencyKey,
      },
    );
    expect(sent.json.rejected).toEqual([]);
    // Dead letters, and one that waits on the second rung.
    await until(async () => {
      const { json } = await root().call('GET', '/stats');
      const by = json.by_status as Record<string, number>;
      return (by.failed_permanently ?? 0) >= 2 && (by.failed ?? 0) >= 2;
    }, 30_000);
  });

  test('are in no answer to a broken request', async () => {
    const broken = [
      `{"message":"${CONTENT.message}", canary`,
      CONTENT.message,
      { ...item('email', {}), email: `${CONTENT.address}@` },
      { ...item('sms', {}), phone: `x${CONTENT.phone}` },
      { ...item('email', {}), subject: `${CONTENT.subject}\r\n` },
    ];
    for (const body of broken) {
      const { status, text } = await root().call('POST', '/v1/notifications', body);
      expect(status).toBe(400);
      expectNone(text, 'an answer', [...content, ...credentials]);
    }
    const wrong = new ApiClient(fleet.address, 'canary-wrong-key-0123456789');
    expectNone((await wrong.call('GET', '/v1/keys')).text, 'a 401', ['canary-wrong-key']);
  });

  test.each(['/stats', '/metrics', '/readyz', '/v1/audit', '/v1/keys'])('are not in %s', async (path) => {
    const { status, text } = await root().call('GET', path);
    expect(status).toBe(200);
    expectNone(text, path, [...content, ...credentials]);
  });

  test('are in no message of the broker', async () => {
    const messages = await fleet.brokerMessages();
    expect(messages.length).toBeGreaterThanOrEqual(3);
    expectNone(JSON.stringify(messages), 'the management UI', [...content, ...credentials]);
  });

  test('are in no title of a process', () => {
    const titles = SERVICES.map((service) => readFileSync(`/proc/${fleet.pidOf(service)}/cmdline`, 'utf8'));
    expect(titles.every((title) => title.includes('services/'))).toBe(true);
    expectNone(titles.join('\n'), 'a title', [...content, ...credentials]);
  });

  test('are nowhere in what the fleet logs, at its most talkative', () => {
    const log = fleet.output();
    expect(log).toContain('audit');
    // What `npm start` itself prints for its owner: the key, and the link that was used.
    const own = log.slice(log.indexOf('Tidings is ready'));
    const logged = log.replace(own.slice(0, own.indexOf('Ctrl-C')), '');
    expectNone(logged, 'the log', [...content, ...credentials]);
  });
});

describe('credentials that are refused', () => {
  test('by RabbitMQ or MongoDB are in no log line', async () => {
    const servers = await createTestServers();
    const [rabbitmq, mongo] = [new URL(servers.rabbitmqUrl), new URL(servers.mongoUri)];
    for (const url of [rabbitmq, mongo])
      Object.assign(url, { username: 'somebody', password: 'canary%2Fpassword' });
    const env = {
      ...process.env,
      RABBITMQ_URL: rabbitmq.href,
      MONGO_URI: mongo.href,
      API_KEY: ROOT_KEY,
      PORT: '0',
      LOG_LEVEL: 'debug',
    };
    const command = startCommand(['dist/services/producer/main.js'], env);
    const said = () =>
      /RabbitMQ cannot be reached/.test(command.output()) &&
      /MongoDB cannot be reached/.test(command.output());
    await until(said, 20_000);
    await command.stop();
    expectNone(command.output(), 'the log', ['canary%2Fpassword', 'canary/password', ROOT_KEY]);
    await servers.drop();
  });
  test('by the mail server are in no record', async () => {
    const server = new SMTPServer({
      allowInsecureAuth: true,
      disabledCommands: ['STARTTLS'],
      onAuth: (_auth, _session, done) => {
        done(new Error('authentication failed'));
      },
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.server.address() as AddressInfo;
    const channel = createEmailChannel(readConfig({ SMTP_URL: `smtp://me:canary-smtp@127.0.0.1:${port}` }));
    const outcome = await channel.deliver(aRecord(), new AbortController().signal);
    await channel.stop?.();
    await new Promise<void>((resolve) => {
      server.close(resolve);
    });
    expect(outcome).toMatchObject({ kind: 'transient', code: '535', providerFault: true });
    const encoded = Buffer.from('\0me\0canary-smtp').toString('base64');
    expectNone(JSON.stringify(outcome), 'the outcome', ['canary-smtp', encoded]);
  });
});
