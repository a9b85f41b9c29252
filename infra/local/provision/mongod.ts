import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { MongoClient, MongoServerError } from 'mongodb';
import { toError } from '../../../shared/runtime/errors.ts';
import { endLeftover } from '../leftovers.ts';
import type { Ports } from '../ports.ts';
import type { ProcessSpec } from '../supervisor/managed-process.ts';
import { leashed, pidFileOf, waitUntil } from './server.ts';

/** A private replica set of one. */
export interface MongodNode {
  processes: ProcessSpec[];
  uri: string;
  /** Resolves when it is primary. @throws ProvisionError when it does not become it. */
  ready: () => Promise<void>;
}

const READY_WITHIN_MS = 60_000;
/** The name of every set that we make. */
export const REPLICA_SET = 'rs0';
/** What a set answers that was never initiated. */
const NOT_YET_INITIALIZED = 94;

/** Prepares a replica set of one member with data of its own; a single server has no transactions and no majority to speak of. */
export async function prepareMongod(
  program: string,
  { root, dataDir, ports }: { root: string; dataDir: string; ports: Ports },
): Promise<MongodNode> {
  const { process, address, log } = await prepareMember('mongodb', program, { root, dataDir, ports });
  return {
    processes: [process],
    uri: `mongodb://${address}/tidings?replicaSet=${REPLICA_SET}`,
    ready: async () => {
      const advice = `MongoDB did not become primary within ${READY_WITHIN_MS / 1000} s. Its log is ${log}.`;
      await waitUntil(() => becomePrimary(address), READY_WITHIN_MS, advice);
    },
  };
}

/** One member of a replica set, with a folder and a port of its own. `cacheGb` and `oplogMb` bound its memory and its disk. */
export async function prepareMember(
  name: string,
  program: string,
  { root, dataDir, ports }: { root: string; dataDir: string; ports: Ports },
  { cacheGb, oplogMb }: { cacheGb: number; oplogMb: number } = { cacheGb: 1, oplogMb: 256 },
): Promise<{ process: ProcessSpec; address: string; log: string }> {
  const data = join(dataDir, name);
  mkdirSync(data, { recursive: true });
  // Before its port is looked at, or it would have to move.
  await endLeftover(pidFileOf(name, dataDir), dataDir);
  const port = await ports.take(name);
  const log = join(data, 'mongod.log');
  const args = [
    ...['--dbpath', data, '--replSet', REPLICA_SET, '--port', String(port), '--bind_ip', '127.0.0.1'],
    ...['--nounixsocket', '--wiredTigerCacheSizeGB', String(cacheGb), '--oplogSize', String(oplogMb)],
    ...['--setParameter', 'diagnosticDataCollectionEnabled=false', '--logpath', log, '--logappend'],
  ];
  const process = leashed({ name, command: program, args, graceMs: 3_500 }, root, dataDir);
  return { process, address: `127.0.0.1:${port}`, log };
}

/** One step towards a primary: initiates a new set, or tells an old one that its port has changed. */
async function becomePrimary(address: string): Promise<boolean> {
  const client = new MongoClient(`mongodb://${address}/?directConnection=true`, {
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
