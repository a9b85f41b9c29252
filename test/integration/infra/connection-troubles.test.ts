import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer as createTcpServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { SMTPServer } from 'smtp-server';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { mongoTrouble, rabbitTrouble } from '../../../infra/local/provision/answers.ts';
import { startProducer } from '../../../services/producer/producer.ts';
import { readConfig } from '../../../shared/runtime/config.ts';
import { silentLogger } from '../../../shared/runtime/logger.ts';
import { mailServerOf } from '../../../shared/smtp/index.ts';
import { makeCertificates } from '../../support/certificates.ts';
import { startCommand } from '../../support/command.ts';
import { testConfig } from '../../support/fleet.ts';
import { aRecord } from '../../support/records.ts';
import { createTestServers, type TestServers } from '../../support/servers.ts';
import { until } from '../../support/until.ts';

const TRUST = /does not know the authority .*NODE_EXTRA_CA_CERTS=/;
const NO_TLS = /does not speak TLS/;
const CREDENTIALS = /refuses the user or the password/;
const REFUSED = /Nothing listens there/;
const NO_HOST = /no such host/;
const NO_VHOST = /virtual host is not there/;

let servers: TestServers;
let folder: string;
/** Listens with a certificate that nobody here trusts. */
let tls: Server;
/** Listens without TLS, and says nothing. */
let plain: Server;
/** Takes nobody's password. */
let smtp: SMTPServer;
const portOf = (server: { address(): unknown }): number => (server.address() as AddressInfo).port;
const listening = (server: Server): Promise<void> =>
  new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));

beforeAll(async () => {
  servers = await createTestServers();
  folder = mkdtempSync(join(tmpdir(), 'tidings-troubles-'));
  const { certificate, key } = await makeCertificates(folder, '127.0.0.1');
  tls = createTlsServer({ cert: readFileSync(certificate), key: readFileSync(key) });
  tls.on('tlsClientError', () => undefined);
  plain = createTcpServer((socket) => socket.on('error', () => undefined).end('hello\r\n'));
  smtp = new SMTPServer({
    allowInsecureAuth: true,
    disabledCommands: ['STARTTLS'],
    onAuth: (_auth, _session, done) => {
      done(new Error('no'));
    },
  });
  await Promise.all([listening(tls), listening(plain), listening(smtp.server)]);
});
afterAll(async () => {
  tls.close();
  plain.close();
  await new Promise<void>((resolve) => {
    smtp.close(resolve);
  });
  rmSync(folder, { recursive: true });
  await servers.drop();
});

const amqp = (more: Partial<URL>): string => Object.assign(new URL(servers.rabbitmqUrl), more).href;
const mongo = (more: Partial<URL>): string => Object.assign(new URL(servers.mongoUri), more).href;

describe('the check of RABBITMQ_URL', () => {
  test.each<[string, () => string, RegExp]>([
    ['an authority that is not known', () => `amqps://127.0.0.1:${portOf(tls)}`, TRUST],
    ['a server without TLS', () => `amqps://127.0.0.1:${portOf(plain)}`, NO_TLS],
    ['a wrong password', () => amqp({ password: 'wrong' }), CREDENTIALS],
    ['an unknown user', () => amqp({ username: 'nobody' }), CREDENTIALS],
    ['a virtual host that is not there', () => amqp({ pathname: '/nowhere' }), NO_VHOST],
    ['a port where nothing listens', () => 'amqp://127.0.0.1:1', REFUSED],
    ['a host that is not there', () => 'amqp://no-such-host.invalid', NO_HOST],
  ])('advises about %s', async (_what, url, advice) => {
    expect(await rabbitTrouble(url())).toMatchObject({ advice: expect.stringMatching(advice) as string });
  });

  test('advises about each node, once', async () => {
    const trouble = await rabbitTrouble('amqp://127.0.0.1:1,amqp://127.0.0.1:2,amqp://no-such-host.invalid');
    expect(trouble?.advice.match(/Nothing listens there/g)).toHaveLength(1);
    expect(trouble?.advice).toMatch(NO_HOST);
    expect(trouble?.isAway).toBe(true);
  });
});

describe('the check of MONGO_URI', () => {
  test.each<[string, () => string, RegExp]>([
    ['an authority that is not known', () => `mongodb://127.0.0.1:${portOf(tls)}/x?tls=true`, TRUST],
    ['a server without TLS', () => `mongodb://127.0.0.1:${portOf(plain)}/x?tls=true`, NO_TLS],
    ['a wrong password', () => mongo({ username: 'nobody', password: 'wrong' }), CREDENTIALS],
    ['a port where nothing listens', () => 'mongodb://127.0.0.1:1/x', REFUSED],
    ['a host that is not there', () => 'mongodb://no-such-host.invalid/x', NO_HOST],
  ])(
    'advises about %s',
    async (_what, uri, advice) => {
      expect(await mongoTrouble(uri())).toMatchObject({ advice: expect.stringMatching(advice) as string });
    },
    20_000,
  );
});

describe('a mail that no server took', () => {
  test.each<[string, () => string, RegExp]>([
    ['an authority that is not known', () => `smtps://127.0.0.1:${portOf(tls)}`, TRUST],
    ['a server without TLS', () => `smtps://127.0.0.1:${portOf(plain)}`, NO_TLS],
    ['a wrong password', () => `smtp://user:wrong@127.0.0.1:${portOf(smtp.server)}`, CREDENTIALS],
    ['a port where nothing listens', () => 'smtp://127.0.0.1:1', REFUSED],
    ['a host that is not there', () => 'smtp://no-such-host.invalid', NO_HOST],
  ])(
    'has the advice about %s in its reason',
    async (_what, url, advice) => {
      const provider = mailServerOf(readConfig({}), { name: 'smtp_backup', url: url() });
      const outcome = await provider.send(aRecord(), AbortSignal.timeout(10_000));
      await provider.close?.();
      expect(outcome).toMatchObject({
        kind: 'transient',
        reason: expect.stringMatching(advice) as string,
        providerFault: true,
      });
    },
    20_000,
  );
});

test('a producer says in its log what to do about servers that it cannot reach', async () => {
  const advices: unknown[] = [];
  const warn = (_words: string, more?: object): void => {
    advices.push((more as { advice?: unknown }).advice);
  };
  const config = testConfig(servers, {
    RABBITMQ_URL: `amqps://127.0.0.1:${portOf(tls)}`,
    MONGO_URI: 'mongodb://127.0.0.1:1/x',
  });
  const producer = await startProducer({ config, log: { ...silentLogger, warn } });
  await until(() => [TRUST, REFUSED].every((one) => advices.some((advice) => one.test(String(advice)))));
  await producer.stop();
}, 30_000);

test('npm start names NODE_EXTRA_CA_CERTS, and neither "Start it" nor another server, where it does not trust a named one', async () => {
  const dataDir = mkdtempSync(join(process.cwd(), '.data/test/troubles-'));
  const url = `amqps://127.0.0.1:${portOf(tls)}`;
  const env = { ...process.env, TIDINGS_DATA_DIR: dataDir, PORT: '0', GRPC_PORT: '0', RABBITMQ_URL: url };
  const command = startCommand(['infra/local/bootstrap.mjs', 'start'], env);
  expect(await command.ended).toBe(1);
  rmSync(dataDir, { recursive: true, force: true });
  expect(command.output()).toMatch(TRUST);
  expect(command.output()).not.toMatch(/Start it|unset RABBITMQ_URL/);
}, 60_000);
