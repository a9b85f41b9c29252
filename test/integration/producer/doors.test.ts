import { createServer, type AddressInfo, type Server } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { assemble } from '../../../services/producer/assembly.ts';
import { openDoors } from '../../../services/producer/doors.ts';
import { silentLogger } from '../../../shared/runtime/logger.ts';
import { testConfig } from '../../support/fleet.ts';
import { createTestServers, type TestServers } from '../../support/servers.ts';

const DOORS = ['BOUNCE_PORT', 'GRPC_PORT', 'PORT'] as const;
let servers: TestServers;

beforeAll(async () => {
  servers = await createTestServers();
});
afterAll(() => servers.drop());

/** Takes a port, any or a certain one. @throws where that is taken. */
function take(port = 0): Promise<Server> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once('error', reject).listen(port, '127.0.0.1', () => {
      resolve(server);
    });
  });
}
const portOf = (server: Server): number => (server.address() as AddressInfo).port;
const free = (server: Server): Promise<void> =>
  new Promise((resolve) =>
    server.close(() => {
      resolve();
    }),
  );

test.each([
  ['BOUNCE_PORT', 'BOUNCE_PORT'],
  ['GRPC_PORT', 'GRPC_PORT: cannot listen on'],
  ['PORT', 'EADDRINUSE'],
] as const)('where %s is taken it says so, and no other door stays open', async (taken, words) => {
  const holders = await Promise.all(DOORS.map(() => take()));
  const ports = Object.fromEntries(DOORS.map((name, n) => [name, portOf(holders[n] as Server)]));
  await Promise.all(holders.filter((_, n) => DOORS[n] !== taken).map(free));
  const settings = Object.fromEntries(DOORS.map((name) => [name, String(ports[name])]));
  const config = testConfig(servers, {
    ...settings,
    BOUNCE_DOMAIN: 'bounces.example.org',
    BOUNCE_SECRET: 'a-secret-of-the-tests-that-is-long-enough',
  });
  const { context, store } = assemble({ config, log: silentLogger });
  await expect(openDoors(context)).rejects.toThrow(words);
  for (const name of DOORS.filter((other) => other !== taken)) await free(await take(ports[name]));
  await free(holders[DOORS.indexOf(taken)] as Server);
  await store.stop();
});
