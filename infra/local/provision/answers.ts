import { MongoClient } from 'mongodb';
import { connectTo } from '../../../shared/broker/index.ts';
import { connectionAdvice, connectionReason } from '../../../shared/runtime/connection-advice.ts';
import { rabbitmqUrlOf, type RabbitmqNodeUrl } from '../../../shared/runtime/rabbitmq-url.ts';

/** Why a server cannot be used, and what to do about it. */
export interface Trouble {
  reason: string;
  /** Sentences without the last full stop. */
  advice: string;
  /** No server was there. */
  isAway: boolean;
}

/** Tells why none of the nodes of a `RABBITMQ_URL` can be used; undefined when one answers and takes the credentials. */
export async function rabbitTrouble(urls: string): Promise<Trouble | undefined> {
  const troubles = await Promise.all(rabbitmqUrlOf(urls).nodes.map(troubleOf));
  const found = troubles.flatMap((trouble) => trouble ?? []);
  if (found.length < troubles.length) return undefined;
  return {
    reason: found.map(({ reason }) => reason).join('; '),
    advice: [...new Set(found.map(({ advice }) => advice))].join('. '),
    isAway: found.every(({ isAway }) => isAway),
  };
}

async function troubleOf(node: RabbitmqNodeUrl): Promise<Trouble | undefined> {
  try {
    await (await connectTo(node, { timeout: 5_000 })).close();
    return undefined;
  } catch (thrown) {
    return troubleIn(thrown, 'RABBITMQ_URL');
  }
}

/** Whether a RabbitMQ answers at an address, with its credentials. */
export async function rabbitAnswers(url: string): Promise<boolean> {
  return (await rabbitTrouble(url)) === undefined;
}

/** Tells why the MongoDB at an address cannot be used; undefined when it is a replica set, or a cluster, with a primary. */
export async function mongoTrouble(uri: string): Promise<Trouble | undefined> {
  try {
    const client = new MongoClient(uri, { serverSelectionTimeoutMS: 5_000 });
    try {
      const hello = await client.db().command({ hello: 1 });
      if (hello.isWritablePrimary !== true) return NO_PRIMARY;
      // Transactions and majority writes need one; `isdbgrid` is what the router of a sharded cluster says.
      return hello.setName !== undefined || hello.msg === 'isdbgrid' ? undefined : NO_REPLICA_SET;
    } finally {
      await client.close();
    }
  } catch (thrown) {
    return troubleIn(thrown, 'MONGO_URI');
  }
}

const NO_PRIMARY: Trouble = {
  reason: 'it is no primary',
  advice: 'Name all members of the replica set, with its replicaSet, in MONGO_URI',
  isAway: false,
};
const NO_REPLICA_SET: Trouble = {
  reason: 'it is no replica set',
  advice: 'Start it with --replSet rs0, and call rs.initiate() once',
  isAway: true,
};

/** Whether a MongoDB with a primary answers at an address. */
export async function mongoAnswers(uri: string): Promise<boolean> {
  return (await mongoTrouble(uri)) === undefined;
}

function troubleIn(thrown: unknown, setting: string): Trouble {
  const { words: advice, isAway } = connectionAdvice(thrown, setting) ?? { words: 'Start it', isAway: true };
  return { reason: connectionReason(thrown), advice, isAway };
}
