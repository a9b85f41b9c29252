import {
  startChannelService,
  type Capacity,
  type DeliveryChannel,
  type StoreChannel,
} from '../../shared/delivery/index.ts';
import { readConfig, type Config } from '../../shared/runtime/config.ts';
import { silentLogger } from '../../shared/runtime/logger.ts';
import type { Service } from '../../shared/runtime/service.ts';
import { startProducer } from '../../services/producer/producer.ts';
import { startScheduler } from '../../services/scheduler/scheduler.ts';
import type { TestServers } from './servers.ts';

/** The key of every producer that tests start. */
export const API_KEY = 'a-key-for-the-tests-only';

/** Settings for a fleet inside the test process, on a file's own servers. */
export function testConfig(servers: TestServers, more: Record<string, string> = {}): Config {
  return readConfig({
    RABBITMQ_URL: servers.rabbitmqUrl,
    RABBITMQ_MANAGEMENT_URL: servers.managementUrl,
    MONGO_URI: servers.mongoUri,
    PORT: '0',
    API_KEY,
    RETRY_DELAYS: '100ms,200ms,300ms',
    DRAIN_NOTICE_SECONDS: '0',
    ...more,
  });
}

/** A producer of the test process, and a client for it. */
export interface TestProducer extends Service {
  address: string;
  /** Where it takes delivery reports by SMTP, if anywhere. */
  bouncePort: number | undefined;
  /** Undefined where gRPC is off. */
  grpcPort: number | undefined;
  call: (method: string, path: string, body?: unknown, headers?: Record<string, string>) => Promise<Answer>;
}

/** An answer with its body read. */
export interface Answer {
  status: number;
  headers: Headers;
  json: Record<string, unknown>;
  text: string;
}

/** Starts the real producer inside this process. */
export async function startTestProducer(config: Config, log = silentLogger): Promise<TestProducer> {
  const producer = await startProducer({ config, log });
  const address = `http://127.0.0.1:${producer.port}`;
  return {
    ...producer,
    address,
    call: (method, path, body, headers) => callApi(address, method, path, body, headers),
  };
}

/** Starts the consumer of a channel inside this process. */
export function startTestChannel(
  config: Config,
  channel: DeliveryChannel | StoreChannel,
  capacity: Capacity = { concurrency: 10 },
): Promise<Service> {
  return startChannelService({ config, log: silentLogger }, channel, capacity);
}

/** Starts the scheduler inside this process. */
export function startTestScheduler(config: Config): Promise<Service> {
  return startScheduler({ config, log: silentLogger });
}

/** Calls an API with the tests' key. A string is sent as it is, anything else as JSON. */
export async function callApi(
  address: string,
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const response = await fetch(`${address}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${API_KEY}`,
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    redirect: 'manual',
  });
  const text = await response.text();
  const isJson = text !== '' && response.headers.get('content-type')?.includes('json') === true;
  const json = (isJson ? JSON.parse(text) : {}) as Record<string, unknown>;
  return { status: response.status, headers: response.headers, json, text };
}
