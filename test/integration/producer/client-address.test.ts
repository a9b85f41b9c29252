import { status } from '@grpc/grpc-js';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { aKey } from '../../support/api-client.ts';
import { makeCertificates, type Certificates } from '../../support/certificates.ts';
import { startTestProducer, testConfig, type TestProducer } from '../../support/fleet.ts';
import { SchedulerClient } from '../../support/scheduler-client.ts';
import { createTestServers, type TestServers } from '../../support/servers.ts';

/** One rule tells the address of the client, over HTTP and over gRPC. */
const ALLOWED = '203.0.113.7';
const ELSEWHERE = '198.51.100.9';
const meeting = () => ({
  empid: 'EMP-1',
  emailID: 'john@example.org',
  message: 'Chat',
  empName: 'John',
  timestamp: Math.floor(Date.now() / 1_000) + 60,
});

let servers: TestServers;
let folder: string;
let files: Certificates;
beforeAll(async () => {
  servers = await createTestServers();
  folder = mkdtempSync(join(tmpdir(), 'tidings-address-'));
  files = await makeCertificates(folder, '127.0.0.1');
});
afterAll(async () => {
  await servers.drop();
  rmSync(folder, { recursive: true });
});

/** What a key for `ALLOWED` alone is answered by each listener, with these values of x-forwarded-for. */
interface Answers {
  http: (...forwarded: string[]) => Promise<boolean>;
  grpc: (...forwarded: string[]) => Promise<boolean>;
}

async function withProducer(
  settings: Record<string, string>,
  act: (answers: Answers) => Promise<void>,
): Promise<void> {
  const producer = await startTestProducer(testConfig(servers, { GRPC_PORT: '0', ...settings }));
  const isTls = settings.GRPC_TLS_CERT_FILE !== undefined;
  const client = new SchedulerClient(producer.grpcPort, isTls ? readFileSync(files.authority) : undefined);
  try {
    await act(await answersOf(producer, client));
  } finally {
    client.close();
    await producer.stop();
  }
}

async function answersOf(producer: TestProducer, client: SchedulerClient): Promise<Answers> {
  const { key } = await aKey(producer, ['send', 'read'], { allow_from: [ALLOWED] });
  return {
    http: async (...forwarded) => {
      const headers = new Headers({ authorization: `Bearer ${key}` });
      for (const value of forwarded) headers.append('x-forwarded-for', value);
      return (await fetch(`${producer.address}/v1/notifications`, { headers })).status === 200;
    },
    grpc: async (...forwarded) => {
      const metadata = forwarded.map((value) => ['x-forwarded-for', value] as const);
      const { error } = await client.schedule(meeting(), undefined, [
        ['authorization', `Bearer ${key}`],
        ...metadata,
      ]);
      if (error && error.code !== status.UNAUTHENTICATED) throw error;
      return error === null;
    },
  };
}

const tls = () => ({ GRPC_TLS_CERT_FILE: files.certificate, GRPC_TLS_KEY_FILE: files.key });

describe('x-forwarded-for', () => {
  test('of a client counts nowhere without TRUSTED_PROXIES', () =>
    withProducer({}, async ({ http, grpc }) => {
      expect([await http(ALLOWED), await grpc(ALLOWED)]).toEqual([false, false]);
    }));

  test('does not count over gRPC that ends TLS itself, where a number of proxies is trusted', () =>
    withProducer({ TRUSTED_PROXIES: '1', ...tls() }, async ({ http, grpc }) => {
      expect([await http(ALLOWED), await grpc(ALLOWED)]).toEqual([true, false]);
      expect(await grpc(ELSEWHERE, ALLOWED)).toBe(false);
    }));

  test('counts over gRPC in the clear, which a proxy on this machine ends TLS for', () =>
    withProducer({ TRUSTED_PROXIES: '1' }, async ({ http, grpc }) => {
      expect([await http(ALLOWED), await grpc(ALLOWED)]).toEqual([true, true]);
    }));

  test('is that of the last proxy, when a client sends one before it', () =>
    withProducer({ TRUSTED_PROXIES: '1' }, async ({ http, grpc }) => {
      expect([await http(ALLOWED, ELSEWHERE), await grpc(ALLOWED, ELSEWHERE)]).toEqual([false, false]);
      expect([await http(`${ALLOWED}, ${ELSEWHERE}`), await grpc(`${ALLOWED}, ${ELSEWHERE}`)]).toEqual([
        false,
        false,
      ]);
      expect([await http(ELSEWHERE, ALLOWED), await grpc(ELSEWHERE, ALLOWED)]).toEqual([true, true]);
    }));

  test('counts on every listener when it comes from a proxy that is named by its address', () =>
    withProducer({ TRUSTED_PROXIES: '192.0.2.0/24, 127.0.0.1', ...tls() }, async ({ http, grpc }) => {
      expect([await http(ALLOWED), await grpc(ALLOWED)]).toEqual([true, true]);
      expect(await grpc(ALLOWED, '192.0.2.8')).toBe(true);
      expect(await grpc(ALLOWED, ELSEWHERE)).toBe(false);
    }));

  test('does not count on any listener when it comes from another address than the named ones', () =>
    withProducer({ TRUSTED_PROXIES: '192.0.2.0/24', ...tls() }, async ({ http, grpc }) => {
      expect([await http(ALLOWED), await grpc(ALLOWED)]).toEqual([false, false]);
    }));
});

test('wrong keys over gRPC that ends TLS itself count by the peer, whatever x-forwarded-for says', async () => {
  const config = testConfig(servers, {
    GRPC_PORT: '0',
    TRUSTED_PROXIES: '1',
    ADDRESS_REQUESTS_PER_SECOND: '2',
    ...tls(),
  });
  const producer = await startTestProducer(config);
  const client = new SchedulerClient(producer.grpcPort, readFileSync(files.authority));
  const outcomes = await Promise.all(
    Array.from({ length: 12 }, (_, n) =>
      client.schedule(meeting(), undefined, [
        ['authorization', 'Bearer a-key-that-is-wrong'],
        ['x-forwarded-for', `203.0.113.${n}`],
      ]),
    ),
  );
  client.close();
  await producer.stop();
  expect(outcomes.map(({ error }) => error?.code)).toContain(status.RESOURCE_EXHAUSTED);
});
