import { MongoClient } from 'mongodb';
import { connectTo } from '../../../shared/broker/index.ts';
import { rabbitmqUrlOf, type RabbitmqNodeUrl } from '../../../shared/runtime/rabbitmq-url.ts';
import { toError } from '../../../shared/runtime/errors.ts';

/** Why none of the nodes of a `RABBITMQ_URL` can be used, in words; undefined when one answers and takes the credentials. */
export async function rabbitTrouble(urls: string): Promise<string | undefined> {
  const troubles = await Promise.all(rabbitmqUrlOf(urls).nodes.map(troubleOf));
  return troubles.includes(undefined) ? undefined : troubles.join('; ');
}

async function troubleOf(node: RabbitmqNodeUrl): Promise<string | undefined> {
  try {
    await (await connectTo(node, { timeout: 5_000 })).close();
    return undefined;
  } catch (thrown) {
    return reasonOf(thrown);
  }
}

/** Whether a RabbitMQ answers at an address, with its credentials. */
export async function rabbitAnswers(url: string): Promise<boolean> {
  return (await rabbitTrouble(url)) === undefined;
}

/** Why the MongoDB at an address cannot be used, in words; undefined when it is a replica set, or a cluster, with a primary. */
export async function mongoTrouble(uri: string): Promise<string | undefined> {
  try {
    const client = new MongoClient(uri, { serverSelectionTimeoutMS: 5_000 });
    try {
      const hello = await client.db().command({ hello: 1 });
      if (hello.isWritablePrimary !== true) return 'it is no primary';
      // Transactions and majority writes need one; `isdbgrid` is what the router of a sharded cluster says.
      return hello.setName !== undefined || hello.msg === 'isdbgrid' ? undefined : 'it is no replica set';
    } finally {
      await client.close();
    }
  } catch (thrown) {
    return reasonOf(thrown);
  }
}

/** Whether a MongoDB with a primary answers at an address. */
export async function mongoAnswers(uri: string): Promise<boolean> {
  return (await mongoTrouble(uri)) === undefined;
}

/** A connection that every address of a host refuses comes as an AggregateError without words of its own. */
function reasonOf(thrown: unknown): string {
  const error = toError(thrown);
  const inner: unknown = error instanceof AggregateError ? error.errors[0] : undefined;
  return inner === undefined ? error.message : toError(inner).message;
}
