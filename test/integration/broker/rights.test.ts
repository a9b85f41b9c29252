import { connect, type ChannelModel } from 'amqplib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { definitions } from '../../../infra/generate/documents.ts';
import {
  BROKER_USERS,
  Broker,
  DEAD_LETTER_QUEUE,
  EXCHANGES,
  EventsListener,
  PARKING_QUEUE,
  REQUESTS_QUEUE,
  publishChanges,
  publishRetry,
  publishTasksUpdated,
  waitQueue,
  workQueue,
} from '../../../shared/broker/index.ts';
import { silentLogger } from '../../../shared/runtime/logger.ts';
import { consuming, publishing, refusalOf, type BrokerAct } from '../../support/broker-acts.ts';
import { aRecord } from '../../support/records.ts';
import { BROKERS, createTestServers, type TestServers } from '../../support/servers.ts';
import { until } from '../../support/until.ts';

const DELAYS = [100];
const ACCESS_REFUSED = 403;

type Case = readonly [user: string, what: string, act: BrokerAct];

const bindingTo =
  (exchange: string, key: string): BrokerAct =>
  async (channel) => {
    const { queue } = await channel.assertQueue('', { exclusive: true });
    await channel.bindQueue(queue, exchange, key);
  };

/** What each user needs, by the messages that the services send and take. */
const GRANTED: readonly Case[] = [
  ['producer', 'publish for any channel', publishing(EXCHANGES.work, 'sms.bulk')],
  ['producer', 'listen to changes', bindingTo(EXCHANGES.events, 'changed')],
  ['producer', 'take the requests of others', consuming(REQUESTS_QUEUE)],
  ['producer', 'park a request', publishing(EXCHANGES.parking, REQUESTS_QUEUE)],
  ['requester', 'hand a request over', publishing(EXCHANGES.requests, 'notification.requested')],
  ['requester', 'say its channel', publishing(EXCHANGES.requests, 'notification.requested.sms')],
  ['producer', 'listen to tasks', bindingTo(EXCHANGES.events, 'tasks_updated')],
  ['producer', 'tell of tasks', publishing(EXCHANGES.events, 'tasks_updated')],
  ['producer', 'ask how many dead letters there are', (channel) => channel.checkQueue(DEAD_LETTER_QUEUE)],
  ['email', 'consume its queue', consuming(workQueue('email', 'transactional'))],
  ['email', 'consume its bulk queue', consuming(workQueue('email', 'bulk'))],
  ['email', 'give a message back', publishing(EXCHANGES.work, 'email.bulk')],
  ['email', 'put one back for later', publishing(EXCHANGES.retry, 'email.transactional.100ms')],
  ['email', 'give one up', publishing(EXCHANGES.dead, 'email.transactional')],
  ['email', 'park one', publishing(EXCHANGES.parking, workQueue('email', 'bulk'))],
  ['email', 'tell of changes', publishing(EXCHANGES.events, 'changed')],
  ['in-app', 'consume its queue', consuming(workQueue('in_app', 'transactional'))],
  ['scheduler', 'publish for any channel', publishing(EXCHANGES.work, 'in_app.transactional')],
  ['scheduler', 'keep the dead letters', consuming(DEAD_LETTER_QUEUE)],
  ['scheduler', 'publish a dead letter', publishing(EXCHANGES.dead, 'email.bulk')],
];

const REFUSED: readonly Case[] = [
  ['producer', 'consume what it sends', consuming(workQueue('email', 'bulk'))],
  ['producer', 'read dead letters', consuming(DEAD_LETTER_QUEUE)],
  ['producer', 'publish under a key that is no channel’s', publishing(EXCHANGES.work, 'fax.bulk')],
  ['producer', 'tell of changes, as consumers do', publishing(EXCHANGES.events, 'changed')],
  ['producer', 'forge dead letters', publishing(EXCHANGES.dead, 'email.bulk')],
  ['producer', 'tap the queues’ messages', bindingTo(EXCHANGES.work, '#')],
  ['producer', 'declare a queue', (channel) => channel.assertQueue('tidings.v1.more')],
  ['producer', 'park for another queue', publishing(EXCHANGES.parking, workQueue('email', 'bulk'))],
  ['producer', 'forge a request', publishing(EXCHANGES.requests, 'notification.requested')],
  ['email', 'read the requests of others', consuming(REQUESTS_QUEUE)],
  ['email', 'forge a request', publishing(EXCHANGES.requests, 'notification.requested')],
  ['scheduler', 'read the requests of others', consuming(REQUESTS_QUEUE)],
  ['requester', 'read what others hand over', consuming(REQUESTS_QUEUE)],
  ['requester', 'tap the exchange', bindingTo(EXCHANGES.requests, '#')],
  ['requester', 'read what is parked', consuming(PARKING_QUEUE)],
  ['requester', 'say another key', publishing(EXCHANGES.requests, 'notification.canceled')],
  ['requester', 'go around the producer', publishing(EXCHANGES.work, 'email.bulk')],
  ['requester', 'go around the exchanges', publishing('', REQUESTS_QUEUE)],
  ['requester', 'make a queue of its own', (channel) => channel.assertQueue('', { exclusive: true })],
  ['email', 'consume another channel’s queue', consuming(workQueue('sms', 'transactional'))],
  ['email', 'publish for another channel', publishing(EXCHANGES.work, 'sms.transactional')],
  ['email', 'put back for another channel', publishing(EXCHANGES.retry, 'sms.bulk.100ms')],
  ['email', 'go around the exchanges', publishing('', workQueue('sms', 'transactional'))],
  ['email', 'delete its queue', (channel) => channel.deleteQueue(workQueue('email', 'transactional'))],
  ['email', 'delete an exchange', (channel) => channel.deleteExchange(EXCHANGES.work)],
  ['email', 'purge another queue', (channel) => channel.purgeQueue(PARKING_QUEUE)],
  ['email', 'make a queue of its own', (channel) => channel.assertQueue('', { exclusive: true })],
  ['scheduler', 'consume a work queue', consuming(workQueue('email', 'transactional'))],
  ['scheduler', 'purge what is parked', (channel) => channel.purgeQueue(PARKING_QUEUE)],
  ['scheduler', 'delete the dead letters', (channel) => channel.deleteQueue(DEAD_LETTER_QUEUE)],
  ['monitor', 'publish', publishing(EXCHANGES.work, 'email.bulk')],
  ['monitor', 'consume', consuming(workQueue('email', 'transactional'))],
  ['monitor', 'make a queue', (channel) => channel.assertQueue('', { exclusive: true })],
];

describe.each(BROKERS)('on RabbitMQ %s', (version) => {
  let servers: TestServers;
  let admin: Broker;
  const models = new Map<string, ChannelModel>();
  const brokers: Broker[] = [];
  const nameOf = (user: string): string => `${servers.vhost}-${user}`;

  function urlOf(user: string): string {
    const url = new URL(servers.rabbitmqUrl);
    Object.assign(url, { username: nameOf(`tidings-${user}`), password: 'of-the-tests' });
    return url.toString();
  }

  /** A process that has the rights of a user. */
  function brokerOf(url: string): Broker {
    const broker = new Broker({ url, service: 'test', delays: DELAYS, log: silentLogger });
    brokers.push(broker);
    broker.start();
    return broker;
  }

  async function refusal(user: string, act: BrokerAct): Promise<number | undefined> {
    const model = models.get(user) ?? (await connect(urlOf(user)));
    models.set(user, model);
    return refusalOf(model, act);
  }

  beforeAll(async () => {
    servers = await createTestServers(version);
    for (const { name, tags, configure, write, read, topics } of BROKER_USERS) {
      await servers.management('PUT', `users/${nameOf(name)}`, { password: 'of-the-tests', tags });
      const rights = `permissions/${servers.vhost}/${nameOf(name)}`;
      await servers.management('PUT', rights, { configure, write, read });
      for (const topic of topics) await servers.management('PUT', `topic-${rights}`, topic);
    }
    admin = brokerOf(servers.rabbitmqUrl);
    expect(await admin.ready(10_000)).toBe(true);
  });
  afterAll(async () => {
    await Promise.all([...models.values()].map((model) => model.close()));
    await Promise.all(brokers.map((broker) => broker.stop()));
    for (const { name } of BROKER_USERS) await servers.management('DELETE', `users/${nameOf(name)}`);
    await servers.drop();
  });

  test.each(GRANTED)('%s may %s', async (user, _what, act) => {
    expect(await refusal(user, act)).toBeUndefined();
  });

  test.each(REFUSED)('%s may not %s', async (user, _what, act) => {
    expect(await refusal(user, act)).toBe(ACCESS_REFUSED);
  });

  test('a user of definitions.json lets nobody in before a password is set', async () => {
    const { users } = JSON.parse(definitions()) as { users: { name: string }[] };
    const [{ name, ...user } = { name: '' }] = users;
    const logIn = async (password: string): Promise<void> => {
      const url = Object.assign(new URL(servers.rabbitmqUrl), { username: nameOf(name), password });
      await (await connect(url.toString())).close();
    };
    await servers.management('PUT', `users/${nameOf(name)}`, user);
    for (const password of ['', name, 'of-the-tests'])
      await expect(logIn(password)).rejects.toThrow('ACCESS-REFUSED');
    await servers.management('PUT', `users/${nameOf(name)}`, { tags: '', password: 'of-the-tests' });
    await logIn('of-the-tests');
  });

  test('who may not declare works with what others have declared: sends, waits, and takes what comes back', async () => {
    const broker = brokerOf(urlOf('email'));
    expect(await broker.ready(10_000)).toBe(true);
    const record = aRecord();
    await publishRetry(broker.publisher, record, 100);
    const ids: unknown[] = [];
    const consumer = broker.consumer({
      queue: workQueue('email', 'transactional'),
      prefetch: 10,
      onDelivery: (delivery) => {
        ids.push((JSON.parse(delivery.body.toString()) as { id?: string }).id);
        delivery.ack();
      },
    });
    consumer.start();
    await until(() => ids.includes(record._id));
    await consumer.stop();
  });

  test('who may not declare listens to changes all the same', async () => {
    const [listening, telling] = [brokerOf(urlOf('producer')), brokerOf(urlOf('email'))];
    const heard: string[] = [];
    const events = new EventsListener({
      connection: listening.consuming,
      log: silentLogger,
      onChanges: (changes) => heard.push(...changes.map(({ id }) => id)),
      onTasksUpdated: () => heard.push('tasks'),
    });
    events.start();
    await until(() => {
      publishChanges(telling.publisher, [{ id: 'n1', status: 'sent' }]);
      publishTasksUpdated(listening.publisher);
      return heard.includes('n1') && heard.includes('tasks');
    });
    await events.stop();
  });

  test('what is missing is named, with what to do; and found as soon as it is there', async () => {
    const missing = waitQueue('sms', 100);
    await servers.management('DELETE', `queues/${servers.vhost}/${missing}`);
    const broker = brokerOf(urlOf('email'));
    const detail = await until(() => {
      const found = broker.check().detail;
      return found?.includes('is missing') === true && found;
    });
    expect(detail).toBe(
      `the queue ${missing} is missing, and this user may not declare it: import infra/rabbitmq/definitions.json, or give the user the right to configure`,
    );
    brokerOf(servers.rabbitmqUrl);
    expect(await broker.ready(15_000)).toBe(true);
    expect(broker.check()).toEqual({ ok: true });
  });
});
