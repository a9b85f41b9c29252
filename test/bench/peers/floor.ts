/**
 * The least that a durable fleet can do, written by hand for in-app: insert in batches, publish with confirms; consume, record in batches,
 * acknowledge. No validation, no claim, no retries, no timeline. One process.
 */
import { connect, type ConsumeMessage } from 'amqplib';
import { MongoClient } from 'mongodb';

interface Doc {
  _id: number;
  user_id: string;
  type: string;
  message: string;
  status: string;
  created_at: Date;
  sent_at?: Date;
}

const BATCH = 500;
const QUEUE = 'floor';
const { FLOOR_RABBITMQ_URL = '', FLOOR_MONGO_URI = '' } = process.env;
const mongo = await new MongoClient(FLOOR_MONGO_URI, {
  writeConcern: { w: 'majority', journal: true },
}).connect();
const docs = mongo.db().collection<Doc>('floor');
const connection = await connect(FLOOR_RABBITMQ_URL, { noDelay: true });
const publishing = await connection.createConfirmChannel();
await publishing.assertQueue(QUEUE, { durable: true, arguments: { 'x-queue-type': 'quorum' } });
let next = 0;

async function fill(count: number): Promise<number> {
  const startedAt = performance.now();
  for (let done = 0; done < count; done += BATCH) {
    const batch = Array.from({ length: Math.min(BATCH, count - done) }, () => docOf((next += 1)));
    await docs.insertMany(batch, { ordered: false });
    for (const { _id } of batch)
      publishing.sendToQueue(QUEUE, Buffer.from(JSON.stringify({ id: _id })), { persistent: true });
    await publishing.waitForConfirms();
  }
  return performance.now() - startedAt;
}

function docOf(_id: number): Doc {
  return {
    _id,
    user_id: `user-${_id % 1000}`,
    type: 'in_app',
    message: 'Your order has been shipped.',
    status: 'pending',
    created_at: new Date(),
  };
}

/** Milliseconds from the first message to the last acknowledgement. */
async function drain(count: number): Promise<number> {
  const channel = await connection.createChannel();
  await channel.prefetch(BATCH);
  let startedAt = 0;
  let left = count;
  let waiting: ConsumeMessage[] = [];
  let isBusy = false;
  return new Promise((resolve) => {
    const work = async (): Promise<void> => {
      isBusy = true;
      while (waiting.length > 0) {
        const batch = waiting;
        waiting = [];
        await record(batch);
        const last = batch.at(-1);
        if (last) channel.ack(last, true);
        left -= batch.length;
      }
      isBusy = false;
      if (left <= 0) {
        resolve(performance.now() - startedAt);
        void channel.close();
      }
    };
    void channel.consume(QUEUE, (message) => {
      if (!message) return;
      startedAt ||= performance.now();
      waiting.push(message);
      if (!isBusy) {
        isBusy = true;
        setImmediate(() => void work());
      }
    });
  });
}

async function record(batch: readonly ConsumeMessage[]): Promise<void> {
  const ids = batch.map((message) => (JSON.parse(message.content.toString()) as { id: number }).id);
  await docs.bulkWrite(
    ids.map((_id) => ({
      updateOne: {
        filter: { _id, status: 'pending' },
        update: { $set: { status: 'sent', sent_at: new Date() } },
      },
    })),
    { ordered: false },
  );
}

process.on('message', ({ act, count }: { act: 'fill' | 'drain'; count: number }) => {
  void (act === 'fill' ? fill(count) : drain(count)).then((ms) => process.send?.({ ms }));
});
process.once('disconnect', () => process.exit());
process.send?.('ready');
