import { connect } from 'amqplib';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { commandLineOf, isServerOf } from '../../infra/local/leftovers.ts';
import { startCommand, type StartedCommand } from '../support/command.ts';
import { createTestServers } from '../support/servers.ts';
import { until } from '../support/until.ts';

/** `npm start` with servers of its own, in a data folder with blanks and letters outside ASCII. */
let dataDir: string;
const env = (more: Record<string, string | undefined> = {}): Record<string, string | undefined> => ({
  ...process.env,
  TIDINGS_DATA_DIR: dataDir,
  PORT: '0',
  RABBITMQ_URL: undefined,
  MONGO_URI: undefined,
  ...more,
});
const start = (more: Record<string, string | undefined> = {}) =>
  startCommand(['infra/local/bootstrap.mjs', 'start'], env(more));

beforeAll(() => {
  dataDir = mkdtempSync(join(process.cwd(), '.data/test/fleet ünd mehr-'));
});
afterAll(() => {
  rmSync(dataDir, { recursive: true, force: true });
});

async function ready(command: StartedCommand): Promise<void> {
  await until(() => {
    if (command.child.exitCode !== null) throw new Error(command.output());
    return command.output().includes('Tidings is ready');
  }, 80_000);
}
interface FleetFile {
  address: string;
  apiKey: string;
  pids: Record<string, number>;
}
const fleetFile = () => JSON.parse(readFileSync(join(dataDir, 'fleet.json'), 'utf8')) as FleetFile;
/** What runs of a fleet: its services by their ids, its servers and their children by the mark that they carry. */
function processesOf(pids: readonly number[]): string[] {
  const all = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return all
    .filter((pid) => pids.includes(Number(pid)) || isServerOf(Number(pid), dataDir))
    .map((pid) => `${pid} ${commandLineOf(Number(pid)).slice(0, 120)}`)
    .filter((line) => /\d+ \S/.test(line));
}

/** As another service would, by the address that is printed. */
async function findsRequestsExchange(output: string): Promise<void> {
  const [, url = ''] = /^ {2}AMQP +(\S+) {3}exchange tidings\.requests/m.exec(output) ?? [];
  const connection = await connect(url);
  const channel = await connection.createChannel();
  await channel.checkExchange('tidings.requests');
  await connection.close();
}

describe('npm start', () => {
  test('provides everything, keeps its data, stops within 10 s, and leaves nothing behind', async () => {
    const firstAt = Date.now();
    const first = start();
    await ready(first);
    const firstMs = Date.now() - firstAt;
    await findsRequestsExchange(first.output());
    const { address, apiKey, pids } = fleetFile();
    const headers = { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' };
    const body = JSON.stringify({ user_id: 'keeper', type: 'in_app', message: 'Hello' });
    const { id } = (await (
      await fetch(`${address}/v1/notifications`, { method: 'POST', headers, body })
    ).json()) as { id: string };
    const startedAt = Date.now();
    expect(await first.stop()).toBe(0);
    expect(Date.now() - startedAt).toBeLessThan(10_000);
    await until(() => processesOf(Object.values(pids)).length === 0);

    const second = start();
    const againAt = Date.now();
    await ready(second);
    // Compared in one run, for most of it is RabbitMQ's own boot, and machines differ: nothing is set up a second time.
    expect(Date.now() - againAt).toBeLessThan(1.25 * firstMs);
    expect(fleetFile()).toMatchObject({ address, apiKey });
    const kept = await fetch(`${address}/v1/notifications/${id}`, { headers });
    expect(await kept.json()).toMatchObject({ id, status: 'sent' });

    const twin = start();
    expect(await twin.ended).toBe(1);
    expect(twin.output()).toContain('Tidings runs in this folder already');

    second.child.kill('SIGKILL');
    await until(() => processesOf(Object.values(fleetFile().pids)).length === 0, 20_000);
  }, 120_000);

  test('says which port is taken, and how to choose another', async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    const address = taken.address();
    const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
    const command = start({ PORT: String(port) });
    expect(await command.ended).toBe(1);
    expect(command.output()).toContain(`Port ${port} of 127.0.0.1 is taken`);
    expect(command.output()).toContain(`PORT=${port + 1} npm start`);
    taken.close();
  });

  test('lists every bad setting at once', async () => {
    const command = start({ RETRY_DELAYS: 'soon', API_KEY: 'short' });
    expect(await command.ended).toBe(1);
    expect(command.output()).toMatch(/2 problem\(s\):\n {2}API_KEY: must be.*\n {2}RETRY_DELAYS: must be/);
  });

  test('lists with them what only a service asks, and starts nothing', async () => {
    const command = start({
      API_KEY: 'short',
      EMAIL_PROVIDERS: 'smtp,smtp_backup,bogus',
      SMS_PROVIDERS: 'sms_gateway',
    });
    expect(await command.ended).toBe(1);
    expect(command.output()).toMatch(
      /4 problem\(s\):\n {2}API_KEY: must be.*\n {2}EMAIL_PROVIDERS: there is no provider bogus; there are .*\n {2}SMTP_BACKUP_URL: is needed.*\n {2}.*SMS_GATEWAY_FROM/,
    );
    expect(command.output()).not.toMatch(/· (RabbitMQ|MongoDB)|\n {4}at /);
  });

  test('ends as a whole when a service ends because of its settings, and does not try it again', async () => {
    const servers = await createTestServers();
    const DKIM_KEY_FILE = join(tmpdir(), `tidings-dkim-${process.pid}.pem`);
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    writeFileSync(DKIM_KEY_FILE, privateKey.export({ type: 'pkcs8', format: 'pem' }));
    const command = start({
      ...{ RABBITMQ_URL: servers.rabbitmqUrl, MONGO_URI: servers.mongoUri },
      ...{ DKIM_KEY_FILE, DKIM_DOMAIN: 'localhost.example' },
    });
    // Behind its own look at the settings.
    await until(() => command.output().includes('· RabbitMQ'), 30_000);
    rmSync(DKIM_KEY_FILE);
    expect(await command.ended).toBe(1);
    await servers.drop();
    expect(command.output()).toContain('could not start: DKIM_KEY_FILE: ');
    expect(command.output()).toContain('email ended (code 78), and is not started again');
    expect(command.output()).toMatch(/Mend the settings.*\n[^]*Stopped\.\n$/);
    expect(command.output()).not.toMatch(/email ended.*starting it again|email +\| +at /);
  });

  test('does not put another server in the place of one that was named and does not answer', async () => {
    const command = start({ RABBITMQ_URL: 'amqp://127.0.0.1:1' });
    expect(await command.ended).toBe(1);
    expect(command.output()).toMatch(
      /The RabbitMQ of RABBITMQ_URL cannot be used: .*ECONNREFUSED.*\nNothing listens there\. .*Or unset RABBITMQ_URL/,
    );
  });

  test('says what to do where nothing can be found or installed', async () => {
    // Neither programs nor package manager on PATH.
    const command = start({ PATH: '/nowhere' });
    expect(await command.ended).toBe(1);
    expect(command.output()).toMatch(/needs a RabbitMQ.*\n.*apt-get install rabbitmq-server/);
  });
});
