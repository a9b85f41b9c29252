import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { planFleet, SERVICES, type Fleet } from '../../../infra/local/fleet.ts';
import { Ports, isFree } from '../../../infra/local/ports.ts';
import { readConfig } from '../../../shared/runtime/config.ts';

const servers = {
  rabbitmqUrl: 'amqp://u:p@127.0.0.1:1',
  managementUrl: 'http://u:p@127.0.0.1:2',
  isRabbitmqNamed: false,
  mongoUri: 'mongodb://127.0.0.1:3/tidings?replicaSet=rs0',
};
const credentials = {
  SMTP_URL: 'smtp://mail.example.org',
  MAIL_FROM: 'Shop <shop@example.org>',
  TWILIO_ACCOUNT_SID: `AC${'a'.repeat(32)}`,
  TWILIO_AUTH_TOKEN: 'token',
};

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tidings-fleet-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

function plan(env: Record<string, string>): Promise<Fleet> {
  return planFleet({
    root: '/clone',
    dataDir: folder,
    config: readConfig(env),
    ports: new Ports(folder),
    servers,
  });
}

function environmentOf(fleet: Fleet, name: string): NodeJS.ProcessEnv {
  return fleet.processes.find((one) => one.name === name)?.env ?? {};
}

test('each service is a process of its own, told by its command line, and knows where the servers are', async () => {
  const fleet = await plan({});
  for (const name of SERVICES) {
    const [one, ...more] = fleet.processes.filter(({ args }) => args.join(' ').includes(`services/${name}/`));
    expect(more).toEqual([]);
    expect(one?.env).toMatchObject({
      RABBITMQ_URL: servers.rabbitmqUrl,
      RABBITMQ_MANAGEMENT_URL: servers.managementUrl,
      MONGO_URI: servers.mongoUri,
      API_KEY: fleet.apiKey,
      TIDINGS_SUPERVISED: '1',
    });
  }
  const probes = SERVICES.map((name) => environmentOf(fleet, name).HEALTH_PORT);
  expect(new Set(probes).size).toBe(SERVICES.length);
});

test('providers without credentials get the sandbox, under one account', async () => {
  const fleet = await plan({});
  const [sandbox, sms] = [environmentOf(fleet, 'sandbox'), environmentOf(fleet, 'sms')];
  expect(sms.TWILIO_ACCOUNT_SID).toMatch(/^AC[0-9a-f]{32}$/);
  expect(sms.TWILIO_ACCOUNT_SID).toBe(sandbox.SANDBOX_TWILIO_ACCOUNT_SID);
  expect(sms.TWILIO_AUTH_TOKEN).toBe(sandbox.SANDBOX_TWILIO_AUTH_TOKEN);
  expect(sms.TWILIO_API_BASE_URL).toBe(fleet.sandboxUrl);
  expect(environmentOf(fleet, 'email').SMTP_URL).toBe(
    `smtp://127.0.0.1:${String(sandbox.SANDBOX_SMTP_PORT)}`,
  );
});

test('Gmail without a client gets the sandbox, with secrets that stay; with a client it does not', async () => {
  const fleet = await plan({ ...credentials, EMAIL_PROVIDERS: 'gmail' });
  const [sandbox, email] = [environmentOf(fleet, 'sandbox'), environmentOf(fleet, 'email')];
  expect(email.GMAIL_REFRESH_TOKEN).toMatch(/^tid_/);
  expect(email.GMAIL_CLIENT_SECRET).toBe(sandbox.SANDBOX_GOOGLE_CLIENT_SECRET);
  expect(email.GMAIL_REFRESH_TOKEN).toBe(sandbox.SANDBOX_GOOGLE_REFRESH_TOKEN);
  expect(email.GOOGLE_API_BASE_URL).toBe(fleet.sandboxUrl);
  const again = await plan({ ...credentials, EMAIL_PROVIDERS: 'gmail' });
  expect(environmentOf(again, 'email').GMAIL_REFRESH_TOKEN).toBe(email.GMAIL_REFRESH_TOKEN);
  const own = await plan({ ...credentials, EMAIL_PROVIDERS: 'gmail', GMAIL_CLIENT_ID: 'mine' });
  expect(own.sandboxUrl).toBeUndefined();
});

test('with credentials for both providers there is no sandbox', async () => {
  const fleet = await plan(credentials);
  expect(fleet.sandboxUrl).toBeUndefined();
  expect(fleet.processes.map(({ name }) => name)).toEqual([...SERVICES]);
});

test('the key and the addresses stay the same from start to start, and an own key wins', async () => {
  const [first, second] = [await plan({ PORT: '0' }), await plan({ PORT: '0' })];
  expect(second).toMatchObject({ address: first.address, apiKey: first.apiKey, readiness: first.readiness });
  expect((await plan({ API_KEY: 'a-key-of-sixteen-or-more' })).apiKey).toBe('a-key-of-sixteen-or-more');
});

test('gRPC has the port that is asked for, another one where its own is taken, and none where keys would travel in the clear', async () => {
  expect((await plan({ GRPC_PORT: '50123' })).grpcAddress).toBe('127.0.0.1:50123');
  const fleet = await plan({ GRPC_PORT: '0' });
  expect(fleet.grpcAddress).toBe(`127.0.0.1:${environmentOf(fleet, 'producer').GRPC_PORT}`);
  const isTaken = !(await isFree(50_051));
  const blocker = createServer();
  if (!isTaken) await new Promise<void>((resolve) => blocker.listen(50_051, '127.0.0.1', resolve));
  expect((await plan({})).grpcAddress).toMatch(/^127\.0\.0\.1:(?!50051)\d+$/);
  if (!isTaken) await new Promise((resolve) => blocker.close(resolve));
  expect((await plan({ HOST: '0.0.0.0' })).grpcAddress).toBeUndefined();
});
