import { connect } from 'amqplib';
import { MongoClient } from 'mongodb';

/** Whether a RabbitMQ answers at an address, with its credentials. */
export async function rabbitAnswers(url: string): Promise<boolean> {
  try {
    await (await connect(url, { timeout: 5_000 })).close();
    return true;
  } catch {
    return false;
  }
}

/** Whether a MongoDB with a primary answers at an address. */
export async function mongoAnswers(uri: string): Promise<boolean> {
  const client = new MongoClient(uri, { serverSelectionTimeoutMS: 5_000 });
  try {
    const hello = await client.db().command({ hello: 1 });
    return hello.isWritablePrimary === true;
  } catch {
    return false;
  } finally {
    await client.close();
  }
}
