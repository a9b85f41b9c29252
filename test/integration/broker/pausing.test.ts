import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Broker, EXCHANGES, PARKING_QUEUE, type Consumer } from '../../../shared/broker/index.ts';
import { silentLogger } from '../../../shared/runtime/logger.ts';
import { testConfig } from '../../support/fleet.ts';
import { createTestServers, type TestServers } from '../../support/servers.ts';
import { until } from '../../support/until.ts';

/** What may happen to a consumer; `turn` lets replies of the broker come in between, and `cut` ends its channel from outside. */
const ACTS = ['pause', 'resume', 'turn', 'cut'] as const;
// RabbitMQ 3.10 loses the dead-letter worker of all queues when those that have one are deleted in quick succession. This one has none.
const QUEUE = PARKING_QUEUE;
let servers: TestServers;
let broker: Broker;
let other: Broker;

beforeAll(async () => {
  servers = await createTestServers();
  const { RETRY_DELAYS: delays } = testConfig(servers);
  const make = (service: string) =>
    new Broker({ url: servers.rabbitmqUrl, service, delays, log: silentLogger });
  broker = make('test');
  other = make('other');
  for (const one of [broker, other]) one.start();
  await Promise.all([broker.ready(10_000), other.ready(10_000)]);
});
afterAll(async () => {
  await Promise.all([broker.stop(), other.stop()]);
  await servers.drop();
});

/** Consumers of the queue as RabbitMQ itself counts them, asked on a channel of another process. */
async function consumersOf(queue: string): Promise<number> {
  const channel = await until(async () => other.consuming.model?.createChannel());
  const { consumerCount } = await channel.checkQueue(queue);
  await channel.close();
  return consumerCount;
}

const act = {
  pause: (consumer: Consumer) => void consumer.pause(),
  resume: (consumer: Consumer) => void consumer.resume(),
  turn: () => new Promise((resolve) => setImmediate(resolve)),
  // Its queue is deleted, so the server cancels the subscription.
  cut: () => servers.management('DELETE', `queues/${servers.vhost}/${QUEUE}`),
};

test('two resumes in one round trip make one subscription', async () => {
  const consumer = broker.consumer({ queue: QUEUE, prefetch: 10, onDelivery: () => undefined });
  consumer.start();
  await until(() => consumer.consumerTag !== undefined);
  await consumer.pause();
  await Promise.all([consumer.resume(), consumer.resume(), consumer.resume()]);
  expect(await consumersOf(QUEUE)).toBe(1);
  await consumer.pause();
  expect(await consumersOf(QUEUE)).toBe(0);
  await consumer.stop();
});

test('whatever is paused, resumed and cut in whatever order, there are never two subscriptions, and the last word holds', async () => {
  const often = [...ACTS, 'pause', 'resume', 'turn', 'pause', 'resume', 'turn'] as const;
  const acts = fc.array(fc.constantFrom(...often), { minLength: 1, maxLength: 12 });
  const property = fc.asyncProperty(acts, async (all) => {
    let delivered = 0;
    const consumer = broker.consumer({
      queue: QUEUE,
      prefetch: 10,
      onDelivery: (delivery) => {
        delivered += 1;
        delivery.ack();
      },
    });
    consumer.start();
    let most = 0;
    for (const one of all) {
      await act[one](consumer);
      most = Math.max(most, await consumersOf(QUEUE).catch(() => 0));
    }
    const last = all.findLast((one) => one === 'pause' || one === 'resume') ?? 'resume';
    const wanted = last === 'resume' ? 1 : 0;
    // Settles in the wanted state, and stays there once every act has come to its end.
    await (wanted === 1 ? consumer.resume() : consumer.pause());
    await until(async () => {
      const count = await consumersOf(QUEUE).catch(() => 0);
      most = Math.max(most, count);
      return count === wanted && (consumer.consumerTag !== undefined) === (wanted === 1);
    });
    expect(most).toBeLessThanOrEqual(1);
    const message = { exchange: EXCHANGES.parking, key: 'any', body: {}, messageId: 'm' };
    if (wanted === 1) {
      await until(() =>
        broker.publisher.publish(message).then(
          () => true,
          () => false,
        ),
      );
      await until(() => delivered > 0);
    }
    await consumer.stop();
    expect(await consumersOf(QUEUE).catch(() => 0)).toBe(0);
  });
  await fc.assert(property, { numRuns: 10 });
}, 120_000);

test('a consumer that is stopped while it starts leaves no channel open', async () => {
  const consumers = Array.from({ length: 10 }, () =>
    broker.consumer({ queue: QUEUE, prefetch: 10, onDelivery: () => undefined }),
  );
  for (const [index, consumer] of consumers.entries()) {
    consumer.start();
    for (let turn = 0; turn < index; turn += 1) await act.turn();
    await consumer.stop();
  }
  expect(await consumersOf(QUEUE)).toBe(0);
  const model = broker.consuming.model as unknown as { connection: { channels: unknown[] } };
  // Channel 0 is the connection itself.
  await until(() => model.connection.channels.slice(1).every((one) => one == null));
});
