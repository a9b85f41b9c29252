import { startSandbox, type Sandbox } from '../../infra/local/sandbox/sandbox.ts';
import { ServiceProcess } from '../../infra/chaos/fleet/service-process.ts';
import type { ServiceName } from '../../infra/local/fleet.ts';
import { freePort } from '../../infra/local/ports.ts';
import type { Notification } from '../../shared/contracts/index.ts';
import { notificationsOf, openStore, type Notifications } from '../../shared/store/index.ts';
import { API_KEY, callApi, type Answer } from './fleet.ts';
import { createTestServers, type TestServers } from './servers.ts';
import { until } from './until.ts';

/** Services as processes of their own, to be killed and frozen at the very moment that a test wants. */
export interface InterruptibleFleet {
  sandbox: Sandbox;
  servers: TestServers;
  notifications: Notifications;
  /** Starts one more process. */
  start: (service: ServiceName, more?: Record<string, string>) => Promise<ServiceProcess>;
  call: (method: string, path: string, body?: unknown, headers?: Record<string, string>) => Promise<Answer>;
  /** Hands a notification over; answers its id. */
  send: (body: object) => Promise<string>;
  recordOf: (id: string) => Promise<Notification>;
  /** Waits for a status; answers the record. */
  untilStatus: (id: string, status: Notification['status'], timeoutMs?: number) => Promise<Notification>;
  /** How many mails of a notification the server took. */
  mailsOf: (id: string) => number;
  producerPort: number;
  /** Kills every producer. */
  killProducers: () => Promise<void>;
  stop: () => Promise<void>;
}

/** Seconds that a claim holds in these tests. */
export const LEASE_SECONDS = 2;

/** Prepares servers and a sandbox of its own; no service runs yet. */
export async function prepareInterruptibleFleet(): Promise<InterruptibleFleet> {
  const servers = await createTestServers();
  const accountSid = `AC${'d'.repeat(32)}`;
  const sandbox = await startSandbox({ smtpPort: 0, httpPort: 0, accountSid, authToken: 'token' });
  const store = openStore(servers.mongoUri, 'test');
  const notifications = notificationsOf(store.db);
  const producerPort = await freePort();
  const processes: ServiceProcess[] = [];
  const env = {
    ...process.env,
    NODE_OPTIONS: '',
    RABBITMQ_URL: servers.rabbitmqUrl,
    RABBITMQ_MANAGEMENT_URL: servers.managementUrl,
    MONGO_URI: servers.mongoUri,
    API_KEY,
    PORT: String(producerPort),
    HEALTH_PORT: '0',
    SMTP_URL: `smtp://127.0.0.1:${sandbox.smtpPort}`,
    TWILIO_ACCOUNT_SID: accountSid,
    TWILIO_AUTH_TOKEN: 'token',
    TWILIO_PHONE_NUMBER: '+15005550006',
    TWILIO_API_BASE_URL: `http://127.0.0.1:${sandbox.httpPort}`,
    RETRY_DELAYS: '3s,3s',
    LEASE_SECONDS: String(LEASE_SECONDS),
    LOG_LEVEL: 'info',
    LOG_FORMAT: 'json',
  };
  const recordOf = async (id: string): Promise<Notification> => {
    const record = await notifications.findOne({ _id: id });
    if (!record) throw new Error(`no record ${id}`);
    return record;
  };
  const call: InterruptibleFleet['call'] = (method, path, body, headers) =>
    callApi(`http://127.0.0.1:${producerPort}`, method, path, body, headers);
  return {
    sandbox,
    servers,
    notifications,
    producerPort,
    start: async (service, more = {}) => {
      const entry = `dist/services/${service}/main.js`;
      const one = new ServiceProcess({
        service,
        number: processes.length + 1,
        entry,
        env: { ...env, ...more },
      });
      processes.push(one);
      await one.start();
      return one;
    },
    call,
    send: async (body) => {
      const answer = await call('POST', '/v1/notifications', body);
      if (answer.status !== 202) throw new Error(answer.text);
      return String(answer.json.id);
    },
    recordOf,
    untilStatus: (id, status, timeoutMs = 30_000) =>
      until(async () => {
        const record = await recordOf(id);
        return record.status === status && record;
      }, timeoutMs),
    mailsOf: (id) => sandbox.mailbox.mails().filter(({ raw }) => raw.includes(`<${id}@`)).length,
    killProducers: async () => {
      await Promise.all(processes.filter(({ service }) => service === 'producer').map((one) => one.kill()));
    },
    stop: async () => {
      await Promise.all(processes.map((one) => one.kill()));
      await sandbox.stop();
      await store.stop();
      await servers.drop();
    },
  };
}
