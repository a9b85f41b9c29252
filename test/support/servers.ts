import { randomUUID } from 'node:crypto';
import { MongoClient } from 'mongodb';

function given(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === '') throw new Error(`${name} is not set: run the tests with npm test`);
  return value;
}

/** Addresses of one test file's own virtual host and database. */
export interface TestServers {
  rabbitmqUrl: string;
  managementUrl: string;
  vhost: string;
  mongoUri: string;
  /** Calls the management API; answers the parsed body. */
  management: (method: string, path: string, body?: object) => Promise<unknown>;
  /** Drops both. */
  drop: () => Promise<void>;
}

/** The same database, with the same user, through one port and nothing else, such as that of a proxy. */
export function mongoAt(port: number, mongoUri: string): string {
  const uri = new URL(mongoUri);
  uri.port = String(port);
  uri.searchParams.delete('replicaSet');
  uri.searchParams.set('directConnection', 'true');
  return uri.toString();
}

/** The brokers of the tests by their version; the second one only where it can be had. */
export const BROKERS: readonly ('3.10' | '4.x')[] = process.env.TIDINGS_TEST_RABBITMQ4_URL
  ? ['3.10', '4.x']
  : ['3.10'];

/** Makes a virtual host and a database that nobody else uses, on the real servers of the tests. */
export async function createTestServers(broker: (typeof BROKERS)[number] = '3.10'): Promise<TestServers> {
  const name = `test-${randomUUID().slice(0, 8)}`;
  const prefix = broker === '3.10' ? 'TIDINGS_TEST_RABBITMQ' : 'TIDINGS_TEST_RABBITMQ4';
  const base = new URL(given(`${prefix}_MANAGEMENT_URL`));
  const management = (method: string, path: string, body?: object) =>
    callManagement(base, method, path, body);
  await management('PUT', `vhosts/${name}`, {});
  await management('PUT', `permissions/${name}/${base.username}`, {
    configure: '.*',
    write: '.*',
    read: '.*',
  });
  const amqp = new URL(given(`${prefix}_URL`));
  amqp.pathname = `/${name}`;
  const mongo = new URL(given('TIDINGS_TEST_MONGO_URI'));
  mongo.pathname = `/${name}`;
  return {
    rabbitmqUrl: amqp.toString(),
    managementUrl: base.toString(),
    vhost: name,
    mongoUri: mongo.toString(),
    management,
    drop: async () => {
      const client = new MongoClient(mongo.toString());
      await client.db().dropDatabase();
      await client.close();
      await management('DELETE', `vhosts/${name}`);
    },
  };
}

async function callManagement(base: URL, method: string, path: string, body?: object): Promise<unknown> {
  const authorization = `Basic ${Buffer.from(`${base.username}:${base.password}`).toString('base64')}`;
  const response = await fetch(`${base.origin}/api/${path}`, {
    method,
    headers: { authorization, 'content-type': 'application/json' },
    ...(body && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok && response.status !== 404)
    throw new Error(`${method} ${path}: ${response.status} ${text}`);
  return text === '' ? undefined : JSON.parse(text);
}
