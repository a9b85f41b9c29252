import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { MongoClient, MongoServerError } from 'mongodb';
import { toError } from '../../../shared/runtime/errors.ts';
import { endLeftover } from '../leftovers.ts';
import { keptSecret } from '../secrets.ts';
import { provideUser } from './mongod-user.ts';
import type { Ports } from '../ports.ts';
import type { ProcessSpec } from '../supervisor/managed-process.ts';
import { leashed, pidFileOf, waitUntil } from './server.ts';

/** A private replica set of one. */
export interface MongodNode {
  processes: ProcessSpec[];
  /** With its credentials. */
  uri: string;
  /** Resolves when it is primary. @throws ProvisionError when it does not become it. */
  ready: () => Promise<void>;
}

const READY_WITHIN_MS = 60_000;
/** The name of every set that we make. */
export const REPLICA_SET = 'rs0';
/** The user whom a server of ours takes. */
const USER = 'tidings';
/** What a set answers that was never initiated. */
const NOT_YET_INITIALIZED = 94;

/**
 * Prepares a replica set of one member with its own data: MongoDB has transactions and majority writes only in a replica set. It accepts only
 * the user whose password is kept beside its data.
 */
export async function prepareMongod(
  program: string,
  { root, dataDir, ports }: { root: string; dataDir: string; ports: Ports },
): Promise<MongodNode> {
  const { process, alone, address, data, log } = await prepareMember('mongodb', program, {
    root,
    dataDir,
    ports,
  });
  const user = { name: USER, password: keptSecret(join(data, 'password'), newPassword) };
  const keyFile = join(data, 'members.key');
  keptSecret(keyFile, () => randomBytes(48).toString('base64'), 0o400);
  const credentials = `${user.name}:${user.password}`;
  const secured: ProcessSpec = {
    ...process,
    // Members of a set prove by it that they are; a set with such a file asks everybody else for a user.
    args: [...process.args, '--keyFile', keyFile],
    prepare: async () => {
      await process.prepare?.();
      await provideUser(data, user, { alone, address });
    },
  };
  return {
    processes: [secured],
    uri: `mongodb://${credentials}@${address}/tidings?replicaSet=${REPLICA_SET}&authSource=admin`,
    ready: async () => {
      const advice = `MongoDB did not become primary within ${READY_WITHIN_MS / 1000} s. Its log is ${log}.`;
      await waitUntil(() => becomePrimary(address, credentials), READY_WITHIN_MS, advice);
    },
  };
}

function newPassword(): string {
  return randomBytes(18).toString('base64url');
}

/** How to run a member of a replica set. */
export interface MemberPlan {
  process: ProcessSpec;
  /** The same server and data, outside of its replica set. */
  alone: ProcessSpec;
  address: string;
  /** Its folder. */
  data: string;
  log: string;
}

/** One member of a replica set, with a folder and a port of its own. `cacheGb` and `oplogMb` bound its memory and its disk. */
export async function prepareMember(
  name: string,
  program: string,
  { root, dataDir, ports }: { root: string; dataDir: string; ports: Ports },
  { cacheGb, oplogMb }: { cacheGb: number; oplogMb: number } = { cacheGb: 1, oplogMb: 256 },
): Promise<MemberPlan> {
  const data = join(dataDir, name);
  mkdirSync(data, { recursive: true });
  // Before its port is looked at, or it would have to move.
  await endLeftover(pidFileOf(name, dataDir), dataDir);
  const port = await ports.take(name);
  const log = join(data, 'mongod.log');
  const alone = [
    ...['--dbpath', data, '--port', String(port), '--bind_ip', '127.0.0.1', '--nounixsocket'],
    ...['--wiredTigerCacheSizeGB', String(cacheGb), '--logpath', log, '--logappend'],
    ...['--setParameter', 'diagnosticDataCollectionEnabled=false'],
  ];
  const inSet = [...alone, '--replSet', REPLICA_SET, '--oplogSize', String(oplogMb)];
  const leash = (args: readonly string[]): ProcessSpec =>
    leashed({ name, command: program, args, graceMs: 3_500 }, root, dataDir);
  return { process: leash(inSet), alone: leash(alone), address: `127.0.0.1:${port}`, data, log };
}

/** One step towards a primary: initiates a new set, or tells an old one that its port has changed. */
async function becomePrimary(address: string, credentials: string): Promise<boolean> {
  const client = new MongoClient(`mongodb://${credentials}@${address}/admin?directConnection=true`, {
    serverSelectionTimeoutMS: 1_000,
  });
  try {
    const admin = client.db('admin');
    const hello = await admin.command({ hello: 1 });
    if (hello.isWritablePrimary === true) return true;
    await configure(client, address);
    return false;
  } catch (thrown) {
    // Not up yet, or between two states; the next look tells.
    toError(thrown);
    return false;
  } finally {
    await client.close();
  }
}

interface ReplicaSetConfig {
  version: number;
  members: { host: string }[];
}

async function configure(client: MongoClient, address: string): Promise<void> {
  const admin = client.db('admin');
  try {
    const { config } = (await admin.command({ replSetGetConfig: 1 })) as { config: ReplicaSetConfig };
    if (config.members[0]?.host === address) return;
    const members = config.members.map((member) => ({ ...member, host: address }));
    await admin.command({
      replSetReconfig: { ...config, version: config.version + 1, members },
      force: true,
    });
  } catch (error) {
    if (!(error instanceof MongoServerError) || error.code !== NOT_YET_INITIALIZED) throw error;
    await admin.command({ replSetInitiate: { _id: REPLICA_SET, members: [{ _id: 0, host: address }] } });
  }
}
