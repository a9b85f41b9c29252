import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { SERVICES } from '../../infra/local/fleet.ts';
import { startSandbox, type Sandbox } from '../../infra/local/sandbox/sandbox.ts';
import { startCommand, type StartedCommand } from './command.ts';
import { API_KEY, callApi, type Answer } from './fleet.ts';
import { createTestServers, type TestServers } from './servers.ts';
import { until } from './until.ts';

/** A fleet that `npm start` runs, on the tests' servers, with a sandbox inside the test process so that faults can be switched. */
export interface LocalFleet {
  address: string;
  /** Its RabbitMQ, for a user who may do everything. */
  rabbitmqUrl: string;
  /** Where it keeps its data. */
  dataDir: string;
  sandbox: Sandbox;
  call: (method: string, path: string, body?: unknown) => Promise<Answer>;
  /** Everything that it has printed. */
  output: () => string;
  pidOf: (service: string) => number;
  /** Where each process tells whether it is ready. */
  readiness: () => Record<string, string>;
  /** The messages that wait in its queues, as the management UI shows them. */
  brokerMessages: () => Promise<unknown[]>;
  /** Starts every service once more, beside the first ones. */
  startTwins: () => Promise<{ stop: () => Promise<void> }>;
  stop: () => Promise<void>;
}

/** Settings of one fleet, and where it keeps its data. */
type Environment = Record<string, string | undefined>;

/** Runs `npm start`’s own command in a data folder of its own. */
export async function startLocalFleet(more: Environment = {}): Promise<LocalFleet> {
  const servers = await createTestServers();
  const accountSid = `AC${'b'.repeat(32)}`;
  const sandbox = await startSandbox({ smtpPort: 0, httpPort: 0, accountSid, authToken: 'token' });
  const dataDir = mkdtempSync(join(process.cwd(), '.data/test/fleet-'));
  const env: Environment = {
    ...process.env,
    TIDINGS_DATA_DIR: dataDir,
    API_KEY,
    PORT: '0',
    GRPC_PORT: '0',
    RABBITMQ_URL: servers.rabbitmqUrl,
    RABBITMQ_MANAGEMENT_URL: servers.managementUrl,
    MONGO_URI: servers.mongoUri,
    SMTP_URL: `smtp://127.0.0.1:${sandbox.smtpPort}`,
    TWILIO_ACCOUNT_SID: accountSid,
    TWILIO_AUTH_TOKEN: 'token',
    TWILIO_PHONE_NUMBER: '+15005550006',
    TWILIO_API_BASE_URL: `http://127.0.0.1:${sandbox.httpPort}`,
    SANDBOX_URL: `http://127.0.0.1:${sandbox.httpPort}`,
    LOG_LEVEL: 'warn',
    ...more,
  };
  const main = startCommand(['infra/local/bootstrap.mjs', 'start'], env);
  await until(
    () => main.output().includes('Tidings is ready') || (main.child.exitCode !== null && fail(main.output())),
    80_000,
  );
  const fleetFile = () =>
    JSON.parse(readFileSync(join(dataDir, 'fleet.json'), 'utf8')) as {
      address: string;
      pids: Record<string, number>;
      readiness: Record<string, string>;
    };
  const { address } = fleetFile();
  return {
    address,
    rabbitmqUrl: servers.rabbitmqUrl,
    dataDir,
    sandbox,
    call: (method, path, body) => callApi(address, method, path, body),
    output: main.output,
    pidOf: (service) => fleetFile().pids[service] ?? fail(`no process of ${service}`),
    readiness: () => fleetFile().readiness,
    brokerMessages: () => brokerMessages(servers),
    startTwins: () => startTwins(env),
    stop: async () => {
      await main.stop();
      await sandbox.stop();
      await servers.drop();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

async function brokerMessages({ management, vhost }: TestServers): Promise<unknown[]> {
  const queues = (await management('GET', `queues/${vhost}?columns=name`)) as { name: string }[];
  const look = { count: 100, ackmode: 'reject_requeue_true', encoding: 'auto' };
  const messages = [];
  // Those of one connection alone are shown to nobody else.
  for (const { name } of queues.filter((queue) => queue.name.startsWith('tidings.')))
    messages.push(await management('POST', `queues/${vhost}/${encodeURIComponent(name)}/get`, look));
  return messages.flat();
}

async function startTwins(env: Environment): Promise<{ stop: () => Promise<void> }> {
  const twins = SERVICES.map((name) =>
    startCommand([`dist/services/${name}/main.js`], {
      ...env,
      HEALTH_PORT: '0',
      LOG_LEVEL: 'info',
      DRAIN_SECONDS: '5',
    }),
  );
  const isUp = ({ output }: StartedCommand): boolean =>
    /"message":"(accepting|consuming|scheduling)"/.test(output());
  await until(() => twins.every(isUp), 30_000);
  return {
    stop: async () => {
      await Promise.all(twins.map((twin) => twin.stop()));
      for (const twin of twins) if (twin.child.exitCode !== 0) fail(twin.output());
    },
  };
}

function fail(words: string): never {
  throw new Error(words);
}
