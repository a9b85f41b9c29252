import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import {
  Broker,
  EXCHANGES,
  ManagementApi,
  PARKING_QUEUE,
  auditPolicies,
  waitQueue,
  workQueue,
  type Consumer,
  type Delivery,
} from '../../../shared/broker/index.ts';
import { CHANNEL_NAMES } from '../../../shared/contracts/index.ts';
import { readConfig } from '../../../shared/runtime/config.ts';
import { silentLogger } from '../../../shared/runtime/logger.ts';
import { BROKERS, createTestServers, type TestServers } from '../../support/servers.ts';
import { until } from '../../support/until.ts';

describe.each(BROKERS)('on RabbitMQ %s', (version) => {
  let servers: TestServers;
  let broker: Broker;
  const consumers: Consumer[] = [];
  const queue = workQueue('email', 'transactional');
  const outgoing = (body: object) => ({
    exchange: EXCHANGES.work,
    key: 'email.transactional',
    body,
    messageId: 'm1',
  });

  beforeAll(async () => {
    servers = await createTestServers(version);
    const delays = readConfig({}).RETRY_DELAYS;
    broker = new Broker({ url: servers.rabbitmqUrl, service: 'test', delays, log: silentLogger });
    broker.start();
    expect(await broker.ready(10_000)).toBe(true);
  });
  afterEach(async () => {
    await Promise.all(consumers.splice(0).map((one) => one.stop()));
    await servers.management('DELETE', `queues/${servers.vhost}/${queue}/contents`);
  });
  afterAll(async () => {
    await broker.stop();
    await servers.drop();
  });

  function consume(onDelivery: (delivery: Delivery) => void): Consumer {
    const consumer = broker.consumer({ queue, prefetch: 10, onDelivery });
    consumers.push(consumer);
    consumer.start();
    return consumer;
  }

  test('the wait queues of each channel carry the default ladder, as the management API reads it', async () => {
    const api = new ManagementApi(servers.managementUrl, servers.rabbitmqUrl);
    const queues = await until(async () => {
      const found = await api.queues();
      return found.length === broker.topology.queues.length && found;
    });
    for (const channel of CHANNEL_NAMES) {
      const ttls = [30_000, 120_000, 600_000, 1_800_000, 3_600_000].map(
        (ms) => queues.find(({ name }) => name === waitQueue(channel, ms))?.arguments['x-message-ttl'],
      );
      expect(ttls).toEqual([30_000, 120_000, 600_000, 1_800_000, 3_600_000]);
    }
  });

  test('it is the broker that it is meant to be', async () => {
    const api = new ManagementApi(servers.managementUrl, servers.rabbitmqUrl);
    expect(await api.version()).toMatch(version === '4.x' ? /^4\./ : /^(3|4)\./);
  });

  test('a second process declares the same topology without harm', async () => {
    const second = new Broker({
      url: servers.rabbitmqUrl,
      service: 'second',
      delays: readConfig({}).RETRY_DELAYS,
      log: silentLogger,
    });
    second.start();
    expect(await second.ready(10_000)).toBe(true);
    await second.stop();
  });

  test('what is published arrives, persistent and with its id', async () => {
    await broker.publisher.publish(outgoing({ n: 1 }));
    const bodies: unknown[] = [];
    consume((delivery) => {
      bodies.push(JSON.parse(delivery.body.toString()));
      delivery.ack();
    });
    await until(() => bodies.length === 1);
    expect(bodies).toEqual([{ n: 1 }]);
    await until(async () => (await broker.depth(queue)) === 0);
  });

  test('a message that no queue takes is an error, although RabbitMQ confirms it', async () => {
    const lost = broker.publisher.publish({ ...outgoing({}), key: 'nobody.listens' });
    await expect(lost).rejects.toMatchObject({ failure: 'unroutable' });
  });

  test('a binding that somebody removed comes back with the next message that misses it', async () => {
    await servers.management(
      'DELETE',
      `bindings/${servers.vhost}/e/${EXCHANGES.work}/q/${queue}/email.transactional.%23`,
    );
    await expect(broker.publisher.publish(outgoing({}))).rejects.toMatchObject({ failure: 'unroutable' });
    await until(() =>
      broker.publisher.publish(outgoing({ again: true })).then(
        () => true,
        () => false,
      ),
    );
  });

  test('after an administrator closed every connection, publishing and consuming go on', async () => {
    const bodies: string[] = [];
    consume((delivery) => {
      bodies.push(delivery.body.toString());
      delivery.ack();
    });
    const connections = await until(async () => {
      const all = (await servers.management('GET', `vhosts/${servers.vhost}/connections`)) as {
        name: string;
      }[];
      return all.length >= 2 && all;
    });
    for (const { name } of connections)
      await servers.management('DELETE', `connections/${encodeURIComponent(name)}`);
    await until(() =>
      broker.publisher.publish(outgoing({ after: 'close' })).then(
        () => true,
        () => false,
      ),
    );
    await until(() => bodies.length > 0);
  });

  test('a queue that was deleted under its consumer is declared again and consumed again', async () => {
    const bodies: string[] = [];
    const consumer = consume((delivery) => {
      bodies.push(delivery.body.toString());
      delivery.ack();
    });
    await until(() => consumer.consumerTag !== undefined);
    const before = consumer.consumerTag;
    await servers.management('DELETE', `queues/${servers.vhost}/${queue}`);
    await until(() => consumer.consumerTag !== undefined && consumer.consumerTag !== before);
    await broker.publisher.publish(outgoing({ after: 'deletion' }));
    await until(() => bodies.length === 1);
  });

  test('a message that goes unacknowledged past the delivery limit is parked, not lost', async () => {
    await broker.publisher.publish(outgoing({ poison: true }));
    const before = (await broker.depth(PARKING_QUEUE)) ?? 0;
    consume((delivery) => {
      delivery.reject();
    });
    await until(async () => (await broker.depth(PARKING_QUEUE)) === before + 1);
  });

  test('a paused consumer takes nothing, a resumed one does', async () => {
    const bodies: string[] = [];
    const consumer = consume((delivery) => {
      bodies.push(delivery.body.toString());
      delivery.ack();
    });
    await until(() => consumer.consumerTag !== undefined);
    await consumer.pause();
    await broker.publisher.publish(outgoing({}));
    await until(async () => (await broker.depth(queue)) === 1);
    expect(bodies).toEqual([]);
    await consumer.resume();
    await until(() => bodies.length === 1);
  });

  test('a hostile policy on our queues is found by the audit', async () => {
    const api = new ManagementApi(servers.managementUrl, servers.rabbitmqUrl);
    const policy = { pattern: '.*', definition: { overflow: 'drop-head' }, 'apply-to': 'queues' };
    await servers.management('PUT', `policies/${servers.vhost}/hostile`, policy);
    await until(async () => !auditPolicies(await api.queues()).ok);
    await servers.management('DELETE', `policies/${servers.vhost}/hostile`);
    await until(async () => auditPolicies(await api.queues()).ok);
  });

  test('while RabbitMQ cannot be reached a publish fails at once, and nothing else does', async () => {
    const away = new Broker({ url: 'amqp://127.0.0.1:1', service: 'away', delays: [100], log: silentLogger });
    away.start();
    await expect(away.publisher.publish(outgoing({}))).rejects.toMatchObject({ failure: 'unavailable' });
    expect(away.check().ok).toBe(false);
    expect(await away.depth(queue)).toBeUndefined();
    await away.stop();
  });
});
