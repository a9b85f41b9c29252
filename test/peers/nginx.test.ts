import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { io, type Socket } from 'socket.io-client';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { freePort } from '../../infra/local/ports.ts';
import { PASSWORD, accountWithPassword, aKey } from '../support/api-client.ts';
import { makeCertificates, type Certificates } from '../support/certificates.ts';
import { API_KEY, startTestProducer, testConfig, type TestProducer } from '../support/fleet.ts';
import { askByPython } from '../support/grpc-peer.ts';
import { startNginx } from '../support/nginx.ts';
import { peerFolder, type PeerServer } from '../support/peer-server.ts';
import { peerProgram } from '../support/peers.ts';
import { ProxiedClient } from '../support/proxied.ts';
import { createTestServers, type TestServers } from '../support/servers.ts';
import { until } from '../support/until.ts';

const NAME = 'tidings.example.org';
const program = peerProgram('nginx') ?? '';
const executablePath = process.env.CHROMIUM_PATH ?? '';

describe.skipIf(program === '')('nginx as docs/reverse-proxy.md configures it', () => {
  let servers: TestServers;
  let producer: TestProducer;
  let certificates: Certificates;
  let port: number;
  let folder: string;
  let nginx: PeerServer;
  let client: ProxiedClient;
  const address = (at = port): string => `https://${NAME}:${at}`;

  beforeAll(async () => {
    folder = peerFolder('nginx');
    certificates = await makeCertificates(join(folder, 'certificates'), '127.0.0.1', NAME);
    [servers, port] = [await createTestServers(), await freePort()];
    producer = await startTestProducer(
      testConfig(servers, { PUBLIC_URL: address(), TRUSTED_PROXIES: '1', GRPC_PORT: '0' }),
    );
    await accountWithPassword(servers.mongoUri, 'operator');
    nginx = await start(port);
    client = new ProxiedClient(address(), certificates.authority);
  });
  afterAll(async () => {
    await nginx.stop();
    await producer.stop();
    await servers.drop();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Starts one in a folder of its own; `change` shows what a line is for. */
  function start(at: number, change?: (configuration: string) => string): Promise<PeerServer> {
    return startNginx({
      program,
      folder: mkdtempSync(join(folder, 'run-')),
      certificates,
      port: at,
      producerPort: Number(new URL(producer.address).port),
      grpcPort: producer.grpcPort ?? 0,
      ...(change && { change }),
    });
  }

  /** A client of a proxy with another configuration, for one test. */
  async function changed(change: (configuration: string) => string): Promise<ProxiedClient> {
    const at = await freePort();
    const other = await start(at, change);
    onTestFinished(() => other.stop());
    return new ProxiedClient(address(at), certificates.authority);
  }

  const without = (line: string) => (configuration: string) => {
    if (!configuration.includes(line)) throw new Error(`no line ${line}`);
    return configuration.replace(line, '');
  };
  const notification = (message = 'Hello') => JSON.stringify({ user_id: 'u1', type: 'in_app', message });
  const updateTask = (task_id: string) =>
    client.call('POST', '/update_task', {
      body: JSON.stringify({ task_id, user_email: 'test@example.com' }),
    });

  test('accepts a notification by the API', async () => {
    const { status, headers } = await client.call('POST', '/v1/notifications', { body: notification() });
    expect([status, headers.server]).toEqual([202, expect.stringContaining('nginx')]);
  });

  test('takes a batch of more than a mebibyte', async () => {
    const item = { user_id: 'u1', type: 'in_app', message: 'x'.repeat(9_000) };
    const body = JSON.stringify({ notifications: Array.from({ length: 150 }, () => item) });
    expect(body.length).toBeGreaterThan(1024 * 1024);
    expect((await client.call('POST', '/v1/notifications/batch', { body })).status).toBe(202);
    const strict = await changed(without('client_max_body_size 11m;'));
    expect((await strict.call('POST', '/v1/notifications/batch', { body })).status).toBe(413);
  });

  test('tells the addresses of clients apart, and believes none of a client', async () => {
    const { key } = await aKey(producer, ['send'], { allow_from: ['127.0.0.2'] });
    const statusFrom = async (localAddress: string, forwarded: Record<string, string> = {}) => {
      const other = new ProxiedClient(address(), certificates.authority, localAddress);
      const headers = { authorization: `Bearer ${key}`, ...forwarded };
      return (await other.call('POST', '/v1/notifications', { body: notification(), headers })).status;
    };
    expect(await statusFrom('127.0.0.2')).toBe(202);
    expect(await statusFrom('127.0.0.3')).toBe(401);
    expect(await statusFrom('127.0.0.3', { 'x-forwarded-for': '127.0.0.2' })).toBe(401);
  });

  test('shows pages under a PUBLIC_URL with a port, for which the Host must have the port', async () => {
    expect((await client.call('GET', '/sign-in')).status).toBe(200);
    const portless = await changed((text) => text.replace('$http_host', '$host'));
    const refused = await portless.call('GET', '/sign-in');
    expect([refused.status, refused.text]).toEqual([403, expect.stringContaining(address())]);
  });

  test('passes events on at once', async () => {
    const stream = await client.open('GET', '/task_updates');
    onTestFinished(() => void stream.destroy());
    let heard = '';
    stream.setEncoding('utf8').on('data', (text: string) => (heard += text));
    await until(() => heard.includes('last_event_id'), 2_000);
    for (const task of ['first', 'second']) {
      await updateTask(task);
      // The producer looks by itself every 5 s: this is the event, not that.
      await until(() => heard.includes(`"task_id":"${task}"`), 2_000);
    }
  });

  test('leads Socket.IO to a WebSocket', async () => {
    const heard: string[] = [];
    const socket = connected(client);
    socket.on('task_update', ({ task_id }: { task_id: string }) => heard.push(task_id));
    await until(() => socket.connected);
    await until(async () => {
      await updateTask('by-socket');
      return heard.includes('by-socket');
    });
  });

  test('leads Socket.IO nowhere without the headers of an upgrade', async () => {
    const other = await changed(without('proxy_set_header Connection $connection_upgrade;'));
    const socket = connected(other);
    const failed = new Promise((resolve) => socket.once('connect_error', resolve));
    expect(await failed).toBeInstanceOf(Error);
  });

  function connected({ agent, address: to }: ProxiedClient): Socket {
    // A browser has no agent; this one leads every name to this machine.
    const own = { agent: agent as unknown as string, reconnection: false, forceNew: true };
    const socket = io(to, { ...own, transports: ['websocket'], auth: { token: API_KEY } });
    onTestFinished(() => void socket.disconnect());
    return socket;
  }

  test.skipIf(!process.env.PEERS_PYTHON)('serves gRPC beside it, with reflection', async () => {
    const timestamp = Math.floor(Date.now() / 1_000) + 3_600;
    const request = { empid: 'E1', emailID: 'ada@example.org', message: 'Hello', empName: 'Ada', timestamp };
    const [told] = await askByPython(
      `127.0.0.1:${port}`,
      [{ request, key: API_KEY }],
      [certificates.authority],
    );
    expect(told?.response).toMatchObject({ success: true });
  });

  test.skipIf(executablePath === '')('signs a person in, in a browser', async () => {
    const args = ['--no-sandbox', '--disable-gpu', `--host-resolver-rules=MAP ${NAME} 127.0.0.1`];
    const browser = await chromium.launch({ executablePath, args });
    onTestFinished(() => browser.close());
    const context = await browser.newContext({ ignoreHTTPSErrors: true });
    const page = await context.newPage();
    await page.goto(`${address()}/controls`);
    await page.getByLabel('Name').fill('operator');
    await page.getByLabel('Password').fill(PASSWORD);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.waitForURL(`${address()}/controls`);
    expect(await context.cookies()).toMatchObject([{ secure: true, httpOnly: true, domain: NAME }]);
  });
});
