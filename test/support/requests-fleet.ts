import { TcpProxy } from '../../infra/chaos/tcp-proxy.ts';
import { expect } from 'vitest';
import { BROKER_USERS, PARKING_QUEUE } from '../../shared/broker/index.ts';
import type { Notification } from '../../shared/contracts/index.ts';
import { notificationsOf, openStore, type Notifications, type Store } from '../../shared/store/index.ts';
import { startTestProducer, testConfig, type TestProducer } from './fleet.ts';
import { runPeer } from './python-peers.ts';
import type { Logger } from '../../shared/runtime/logger.ts';
import { createTestServers, mongoAt, type BROKERS, type TestServers } from './servers.ts';
import { until } from './until.ts';

/** A request that is as it should be. */
export const HELLO = { user_id: 'u1', type: 'in_app', message: 'Hello' };
const PASSWORD = 'of-the-tests';

/** What a message of a test may have beside its body. */
export interface Message {
  body: string;
  properties?: Record<string, string>;
  routing_key?: string;
  exchange?: string;
}

/** A message as bytes, in base64: also what no text can say. */
export interface RawMessage {
  body: string;
  routing_key: string;
  properties: Record<string, string | undefined>;
  headers: Record<string, unknown> | null;
  timestamp: string | null;
  priority: number | null;
}

/** What `amqp_parked.py` says of a parked request. */
export interface Parked {
  message_id: string;
  sender: string | null;
  code: string;
  reason: string;
}

/** A producer that takes requests by AMQP, and another team's user, `shop`, that hands them over with pika. */
export class RequestsFleet {
  readonly servers: TestServers;
  readonly producer: TestProducer;
  /** Between the producer and MongoDB. */
  readonly proxy: TcpProxy;
  readonly notifications: Notifications;
  readonly shop: string;
  readonly #store: Store;

  private constructor(servers: TestServers, producer: TestProducer, proxy: TcpProxy) {
    this.servers = servers;
    this.producer = producer;
    this.proxy = proxy;
    this.#store = openStore(servers.mongoUri, 'test');
    this.notifications = notificationsOf(this.#store.db);
    this.shop = `${servers.vhost}-shop`;
  }

  static async start(
    settings: Record<string, string> = {},
    version?: (typeof BROKERS)[number],
    log?: Logger,
  ): Promise<RequestsFleet> {
    const servers = await createTestServers(version);
    const proxy = await TcpProxy.start(Number(new URL(servers.mongoUri).port));
    const MONGO_URI = mongoAt(proxy.port, servers.mongoUri);
    const config = testConfig(servers, { SMS_COUNTRIES: 'US', ...settings });
    const fleet = new RequestsFleet(servers, await startTestProducer({ ...config, MONGO_URI }, log), proxy);
    await fleet.#giveRights();
    return fleet;
  }

  /** Leaves nothing of a test. */
  async clear(): Promise<void> {
    await this.servers.management('DELETE', `queues/${this.servers.vhost}/${PARKING_QUEUE}/contents`);
    await this.notifications.deleteMany({});
  }

  async stop(): Promise<void> {
    await this.producer.stop();
    await this.#store.stop();
    await this.proxy.stop();
    await this.servers.management('DELETE', `users/${this.shop}`);
    await this.servers.drop();
  }

  /** Runs the example of the documentation as the shop. */
  async handOver(...messages: { message_id: string; request: object }[]): Promise<void> {
    const lines = await runPython('docs/examples/amqp_requests.py', this.urlOf(this.shop), {
      input: messages,
    });
    expect(lines).toEqual(messages.map(({ message_id }) => ({ handed_over: message_id })));
  }

  /** Publishes what no honest client would; answers what RabbitMQ said of each. */
  publish(messages: readonly Message[], url = this.urlOf(this.shop)): Promise<unknown[]> {
    return runPython('test/peers/amqp_messages.py', url, { input: messages });
  }

  /** Publishes messages whose properties and bodies are any bytes, as one who may use any routing key; answers what RabbitMQ said of each. */
  publishRaw(messages: readonly RawMessage[]): Promise<{ outcome: string }[]> {
    return runPython('test/peers/amqp_raw_messages.py', this.urlOf(), { input: messages }) as Promise<
      { outcome: string }[]
    >;
  }

  /** Runs the operators' example. */
  operate(args: readonly string[] = [], url = this.urlOf()): Promise<unknown[]> {
    return runPython('docs/examples/amqp_parked.py', url, { args });
  }

  /** Where RabbitMQ is, for a user, or for one who may do everything. */
  urlOf(user?: string): string {
    const url = new URL(this.servers.rabbitmqUrl);
    if (user !== undefined) Object.assign(url, { username: user, password: PASSWORD });
    return url.toString();
  }

  /** How many lie in a queue, as `/stats` says. */
  async messagesIn(queue: string): Promise<number> {
    const { queues } = (await this.producer.call('GET', '/stats')).json as {
      queues: { name: string; ready: number | null }[];
    };
    return queues.find(({ name }) => name === queue)?.ready ?? -1;
  }

  async untilParked(count: number, withinMs?: number): Promise<Parked[]> {
    await until(async () => (await this.messagesIn(PARKING_QUEUE)) === count, withinMs);
    return (await this.operate()) as Parked[];
  }

  untilStored(key: string, withinMs?: number): Promise<Notification> {
    return until(async () => (await this.notifications.findOne({ idempotency_key: key })) ?? false, withinMs);
  }

  /** What `/readyz` says of the door. */
  async check(): Promise<{ ok: boolean; detail?: string }> {
    const { checks } = (await this.producer.call('GET', '/readyz')).json as {
      checks: { requests: { ok: boolean; detail?: string } };
    };
    return checks.requests;
  }

  /** Makes the shop, with the rights that definitions.json has for other teams. */
  async #giveRights(): Promise<void> {
    const found = BROKER_USERS.find(({ name }) => name === 'tidings-requester');
    if (!found) throw new Error('no rights for others');
    const { configure, write, read, topics, tags } = found;
    const { management, vhost } = this.servers;
    await management('PUT', `users/${this.shop}`, { password: PASSWORD, tags });
    const path = `permissions/${vhost}/${this.shop}`;
    await management('PUT', path, { configure, write, read });
    for (const topic of topics) await management('PUT', `topic-${path}`, topic);
  }
}

/** Runs a script that must end well; answers what it printed. */
async function runPython(
  script: string,
  url: string,
  { args = [], input = [] }: { args?: readonly string[]; input?: readonly unknown[] },
): Promise<unknown[]> {
  const { code, stderr, lines } = await runPeer(script, args, {
    env: { AMQP_URL: url },
    input: input.map((line) => `${JSON.stringify(line)}\n`).join(''),
  });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return lines();
}
