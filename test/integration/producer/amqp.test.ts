import { connect } from 'amqplib';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { TcpProxy } from '../../../infra/chaos/tcp-proxy.ts';
import { BROKER_USERS, Broker, PARKING_QUEUE, REQUESTS_QUEUE } from '../../../shared/broker/index.ts';
import { MAX_BODY_BYTES, type Notification } from '../../../shared/contracts/index.ts';
import { silentLogger } from '../../../shared/runtime/logger.ts';
import { notificationsOf, openStore, type Notifications, type Store } from '../../../shared/store/index.ts';
import { startTestProducer, testConfig, type TestProducer } from '../../support/fleet.ts';
import { runPeer } from '../../support/python-peers.ts';
import { BROKERS, createTestServers, type TestServers } from '../../support/servers.ts';
import { until } from '../../support/until.ts';

const hello = { user_id: 'u1', type: 'in_app', message: 'Hello' };
const PASSWORD = 'of-the-tests';

/** What a message of a test may have beside its body. */
interface Message {
  body: string;
  properties?: Record<string, string>;
  routing_key?: string;
  exchange?: string;
}

/** What `amqp_parked.py` says of a parked request. */
interface Parked {
  message_id: string;
  sender: string | null;
  code: string;
  reason: string;
}

describe.each(BROKERS)('another service hands over by RabbitMQ %s, with pika', (version) => {
  let servers: TestServers;
  let producer: TestProducer;
  let store: Store;
  let notifications: Notifications;
  let proxy: TcpProxy;
  let shop: string;

  beforeAll(async () => {
    servers = await createTestServers(version);
    const mongo = new URL(servers.mongoUri);
    proxy = await TcpProxy.start(Number(mongo.port));
    const uri = `mongodb://127.0.0.1:${proxy.port}/${servers.vhost}?directConnection=true`;
    producer = await startTestProducer({
      ...testConfig(servers, { SMS_COUNTRIES: 'US' }),
      MONGO_URI: uri,
    });
    store = openStore(servers.mongoUri, 'test');
    notifications = notificationsOf(store.db);
    shop = `${servers.vhost}-shop`;
    await giveRights(shop);
  });
  afterEach(async () => {
    await servers.management('DELETE', `queues/${servers.vhost}/${PARKING_QUEUE}/contents`);
    await notifications.deleteMany({});
  });
  afterAll(async () => {
    await producer.stop();
    await store.stop();
    await proxy.stop();
    await servers.management('DELETE', `users/${shop}`);
    await servers.drop();
  });

  /** A user of another team, with the rights that definitions.json has for such. */
  async function giveRights(user: string): Promise<void> {
    const found = BROKER_USERS.find(({ name }) => name === 'tidings-requester');
    if (!found) throw new Error('no rights for others');
    const { configure, write, read, topics, tags } = found;
    await servers.management('PUT', `users/${user}`, { password: PASSWORD, tags });
    const path = `permissions/${servers.vhost}/${user}`;
    await servers.management('PUT', path, { configure, write, read });
    for (const topic of topics) await servers.management('PUT', `topic-${path}`, topic);
  }

  function urlOf(user?: string): string {
    const url = new URL(servers.rabbitmqUrl);
    if (user !== undefined) Object.assign(url, { username: user, password: PASSWORD });
    return url.toString();
  }

  const asLines = (values: readonly unknown[]): string =>
    values.map((value) => `${JSON.stringify(value)}\n`).join('');

  /** Runs the example of the documentation as the shop. */
  async function handOver(...messages: { message_id: string; request: object }[]): Promise<void> {
    const { code, stderr, lines } = await runPeer('docs/examples/amqp_requests.py', [], {
      env: { AMQP_URL: urlOf(shop) },
      input: asLines(messages),
    });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(lines()).toEqual(messages.map(({ message_id }) => ({ handed_over: message_id })));
  }

  async function publish(messages: readonly Message[], url = urlOf(shop)): Promise<unknown[]> {
    const { code, stderr, lines } = await runPeer('test/peers/amqp_messages.py', [], {
      env: { AMQP_URL: url },
      input: asLines(messages),
    });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    return lines();
  }

  async function operate(args: readonly string[] = [], url = urlOf()): Promise<unknown[]> {
    const env = { AMQP_URL: url };
    const { code, stderr, lines } = await runPeer('docs/examples/amqp_parked.py', args, { env });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    return lines();
  }

  const messagesIn = async (queue: string): Promise<number> => {
    const { queues } = (await producer.call('GET', '/stats')).json as {
      queues: { name: string; ready: number | null }[];
    };
    return queues.find(({ name }) => name === queue)?.ready ?? -1;
  };
  const untilParked = async (count: number): Promise<Parked[]> => {
    await until(async () => (await messagesIn(PARKING_QUEUE)) === count);
    return (await operate()) as Parked[];
  };
  const untilStored = (key: string): Promise<Notification> =>
    until(async () => (await notifications.findOne({ idempotency_key: key })) ?? false);

  test('what it publishes is accepted like a POST, in its own name', async () => {
    await handOver({ message_id: 'order-1', request: { ...hello, data: { order: 1 } } });
    const record = await untilStored('order-1');
    expect(record).toMatchObject({
      ...hello,
      data: { order: 1 },
      caller: `amqp:${shop}`,
      lane: 'transactional',
    });
    expect(record.timeline[0]).toMatchObject({
      status: 'pending',
      actor: `amqp:${shop}`,
      reason: 'accepted',
    });
    const { json } = await producer.call('GET', `/v1/notifications/${record._id}`);
    expect(json).toMatchObject({ id: record._id, ...hello });
    await until(async () => (await notifications.findOne({ _id: record._id }))?.unpublished === undefined);
  });

  test('published twice under the same message_id it is one notification, and none is parked', async () => {
    const message = { message_id: 'order-2', request: hello };
    await handOver(message, message);
    await handOver({ message_id: 'order-2', request: { message: 'Hello', type: 'in_app', user_id: 'u1' } });
    await handOver({ message_id: 'order-3', request: hello });
    await untilStored('order-3');
    await until(async () => (await messagesIn(REQUESTS_QUEUE)) === 0);
    expect(await notifications.countDocuments({ idempotency_key: 'order-2' })).toBe(1);
    expect(await messagesIn(PARKING_QUEUE)).toBe(0);
  });

  test('under the same message_id with another body it is parked, with the reason; of another sender it is another notification', async () => {
    await handOver({ message_id: 'order-4', request: hello });
    await untilStored('order-4');
    await handOver({ message_id: 'order-4', request: { ...hello, message: 'Goodbye' } });
    expect(await untilParked(1)).toEqual([
      {
        message_id: 'order-4',
        sender: `amqp:${shop}`,
        code: 'idempotency_conflict',
        reason: 'This Idempotency-Key came with another body before',
      },
    ]);
    // Who does not say who it is cannot get at the keys of those who do.
    await publish([{ body: JSON.stringify(hello), properties: { message_id: 'order-4' } }]);
    await until(async () => (await notifications.countDocuments({ idempotency_key: 'order-4' })) === 2);
    expect((await notifications.distinct('caller')).sort()).toEqual(['amqp', `amqp:${shop}`]);
  });

  test('what is invalid is parked once, with its fields and the reasons, and nothing of it is stored', async () => {
    const properties = (message_id: string) => ({ message_id, user_id: shop });
    const valid = JSON.stringify(hello);
    await publish([
      { body: '{"user_id": "u1", ', properties: properties('no-json') },
      { body: '"Hello"', properties: properties('no-object') },
      {
        body: JSON.stringify({ type: 'email', message: '', subject: 'a\nb', extra: 1, email: 'ada' }),
        properties: properties('fields'),
      },
      {
        body: JSON.stringify({ ...hello, message: 'x'.repeat(MAX_BODY_BYTES) }),
        properties: properties('too-large'),
      },
      { body: valid, properties: { user_id: shop } },
      { body: valid, properties: { ...properties('type'), type: 'notification.canceled' } },
      {
        body: valid,
        properties: { ...properties('packed'), content_encoding: 'gzip', content_type: 'text/xml' },
      },
      { body: JSON.stringify({ ...hello, type: 'fax' }), properties: properties('fax') },
      {
        body: valid,
        properties: properties('channel'),
        routing_key: 'notification.requested.email',
      },
      {
        body: JSON.stringify({ user_id: 'u1', type: 'sms', phone: '+4915123456789', message: 'Hello' }),
        properties: properties('abroad'),
      },
    ]);
    // Only whom RabbitMQ lets use any routing key can do this.
    await publish(
      [{ body: valid, routing_key: 'notification.reqested', properties: { message_id: 'key' } }],
      urlOf(),
    );
    const parked = await untilParked(11);
    const reasons = Object.fromEntries(
      parked.map(({ message_id, code, reason }) => [message_id, [code, reason]]),
    );
    expect(reasons).toEqual({
      'no-json': ['malformed_json', expect.stringMatching(/^The body is not valid JSON: Expected/)],
      'no-object': ['malformed_json', 'The body is not valid JSON: The body must be a JSON object.'],
      fields: [
        'validation_failed',
        'user_id: is required; message: must not be empty; subject: must be one line: no line breaks (CR, LF) or other control characters; email: must be an e-mail address such as ada@example.org; extra: is not a known field',
      ],
      'too-large': [
        'body_too_large',
        expect.stringMatching(/^The body is too large: \d+ bytes, and 1048576 are the most$/),
      ],
      // What we call one that has no id.
      parked: ['validation_failed', 'properties.message_id: is required'],
      type: ['validation_failed', 'properties.type: must be notification.requested, or not set'],
      packed: [
        'validation_failed',
        'properties.content_type: must be application/json, or not set; properties.content_encoding: must be utf-8, or not set: nothing is unpacked',
      ],
      fax: ['validation_failed', 'type: must be one of email, sms, in_app'],
      channel: [
        'forbidden',
        'This is not open to you: The type in_app needs the scope send:in_app; yours are for email.',
      ],
      abroad: ['validation_failed', expect.stringMatching(/^phone: /)],
      key: [
        'validation_failed',
        'routing_key: must be one of notification.requested, notification.requested.email, notification.requested.sms, notification.requested.in_app; is notification.reqested',
      ],
    });
    expect(await notifications.countDocuments()).toBe(0);
    expect(await messagesIn(REQUESTS_QUEUE)).toBe(0);
  });

  test('a parked one is taken out, corrected and handed over again', async () => {
    await handOver(
      { message_id: 'wrong', request: { ...hello, type: 'fax' } },
      { message_id: 'other', request: { ...hello, type: 'telex' } },
    );
    await untilParked(2);
    const [taken] = (await operate(['--take', 'wrong'])) as [{ message_id: string; request: object }];
    expect(taken).toEqual({ message_id: 'wrong', request: { ...hello, type: 'fax' } });
    await handOver({ ...taken, request: { ...taken.request, type: 'in_app' } });
    await untilStored('wrong');
    expect((await untilParked(1)).map(({ message_id }) => message_id)).toEqual(['other']);
  });

  test('what ends its consumer again and again RabbitMQ parks by itself, and it is listed with the others', async () => {
    // Without a producer, which would take it.
    const own = await createTestServers(version);
    const broker = new Broker({ url: own.rabbitmqUrl, service: 'test', delays: [100], log: silentLogger });
    broker.start();
    expect(await broker.ready(10_000)).toBe(true);
    await publish([{ body: JSON.stringify(hello), properties: { message_id: 'killer' } }], own.rabbitmqUrl);
    const model = await connect(own.rabbitmqUrl);
    const channel = await model.createChannel();
    await until(async () => {
      const message = await channel.get(REQUESTS_QUEUE);
      if (message) channel.nack(message);
      return (await channel.checkQueue(PARKING_QUEUE)).messageCount === 1;
    });
    await model.close();
    expect(await operate([], own.rabbitmqUrl)).toEqual([
      { message_id: 'killer', sender: null, code: 'delivery_limit', reason: null },
    ]);
    await broker.stop();
    await own.drop();
  });

  test('RabbitMQ lets it publish there and nowhere else, and under no other name', async () => {
    const body = JSON.stringify(hello);
    const properties = { message_id: 'm1' };
    const said = await publish([
      { body, properties, exchange: 'tidings.v1', routing_key: 'in_app.transactional' },
      { body, properties, exchange: '', routing_key: REQUESTS_QUEUE },
      { body, properties, routing_key: 'notification.reqested' },
      { body, properties: { ...properties, user_id: 'somebody-else' } },
    ]);
    expect(said).toMatchObject([{ code: 403 }, { code: 403 }, { code: 403 }, { code: 406 }]);
  });

  test.runIf(version === '3.10')(
    'while MongoDB is away requests wait, none is parked, and then all are taken',
    async () => {
      await handOver({ message_id: 'before', request: hello });
      await untilStored('before');
      proxy.be({ loseUpstream: true });
      proxy.reset();
      const ids = Array.from({ length: 120 }, (_, n) => `away-${n}`);
      await handOver(...ids.map((message_id) => ({ message_id, request: hello })));
      // Its readiness says so, and nothing more is consumed than is in hand.
      await until(
        async () => (await checkOf()).detail === 'taking requests is paused: MongoDB cannot be reached',
        20_000,
      );
      proxy.be();
      proxy.reset();
      const counted = { idempotency_key: { $in: ids } };
      await until(async () => (await notifications.countDocuments(counted)) === ids.length, 25_000);
      await until(async () => (await checkOf()).ok);
      await until(async () => (await messagesIn(REQUESTS_QUEUE)) === 0);
      expect(await messagesIn(PARKING_QUEUE)).toBe(0);
      expect(await notifications.countDocuments(counted)).toBe(ids.length);
    },
    60_000,
  );

  const checkOf = async (): Promise<{ ok: boolean; detail?: string }> => {
    const { checks } = (await producer.call('GET', '/readyz')).json as {
      checks: { requests: { ok: boolean; detail?: string } };
    };
    return checks.requests;
  };
});
