import { STATUS_CALLBACK_PATH } from '../../shared/contracts/index.ts';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ServiceProcess } from '../../infra/chaos/fleet/service-process.ts';
import { SERVICES, type ServiceName } from '../../infra/local/fleet.ts';
import { Ports, freePort } from '../../infra/local/ports.ts';
import { startSandbox } from '../../infra/local/sandbox/sandbox.ts';
import { topologyOf } from '../../shared/broker/index.ts';
import { provideTopology } from '../../shared/broker/declare.ts';
import { SECOND } from '../../shared/runtime/duration.ts';
import { makeCertificates, type Certificates } from './certificates.ts';
import { API_KEY, callApi, type Answer } from './fleet.ts';
import { startSecuredMongodb, type SecuredMongodb } from './secured-mongodb.ts';
import { startSecuredRabbitmq, type SecuredRabbitmq } from './secured-rabbitmq.ts';

/** The real fleet on servers that ask for TLS and passwords; each service has its own, and no right that it does not need. */
export interface SecuredFleet {
  rabbitmq: SecuredRabbitmq;
  mongodb: SecuredMongodb;
  certificates: Certificates;
  /** Those of an authority that nobody has heard of. */
  strange: Certificates;
  /** Where the producer is. */
  address: string;
  call: (method: string, path: string, body?: unknown) => Promise<Answer>;
  /** What the /readyz of a service answers. */
  readiness: (service: ServiceName) => Promise<Answer['json']>;
  /** Starts one more process of a service, with other settings. */
  start: (service: ServiceName, more?: NodeJS.ProcessEnv) => Promise<ServiceProcess>;
  /** What all services have logged. */
  log: () => string;
  /** Drains all services; answers those that did not end by themselves with code 0. */
  stopServices: () => Promise<string[]>;
  stop: () => Promise<void>;
}

/** A short ladder; definitions.json has the queues of the default one, and its administrator declares those of another. */
const RETRY_DELAYS_MS = [SECOND, SECOND];

/** Starts both servers, a sandbox and every service, in a folder that goes with them. */
export async function startSecuredFleet(): Promise<SecuredFleet> {
  const root = process.cwd();
  mkdirSync(join(root, '.data/test'), { recursive: true });
  const dataDir = mkdtempSync(join(root, '.data/test/secured-'));
  const place = { root, dataDir, ports: new Ports(dataDir) };
  const certificates = await makeCertificates(join(dataDir, 'certificates'), '127.0.0.1');
  const strange = await makeCertificates(join(dataDir, 'strange'), '127.0.0.1');
  const [mongodb, rabbitmq] = await Promise.all([
    startSecuredMongodb(place, certificates),
    startSecuredRabbitmq(place, certificates),
  ]);
  await declareLadder(rabbitmq);
  const accountSid = `AC${'e'.repeat(32)}`;
  const bouncePort = await freePort();
  const account = { accountSid, authToken: 'token' };
  const sandbox = await startSandbox({ smtpPort: 0, httpPort: 0, bouncePort, ...account });
  const ports = new Map<ServiceName, number>();
  for (const service of SERVICES) ports.set(service, await freePort());
  const env = {
    ...process.env,
    NODE_OPTIONS: '',
    NODE_EXTRA_CA_CERTS: certificates.authority,
    RABBITMQ_MANAGEMENT_URL: rabbitmq.managementUrl('tidings-monitor'),
    API_KEY,
    SMTP_URL: `smtp://127.0.0.1:${sandbox.smtpPort}`,
    TWILIO_ACCOUNT_SID: accountSid,
    TWILIO_AUTH_TOKEN: 'token',
    TWILIO_PHONE_NUMBER: '+15005550006',
    TWILIO_API_BASE_URL: `http://127.0.0.1:${sandbox.httpPort}`,
    TWILIO_STATUS_CALLBACK_URL: `http://127.0.0.1:${ports.get('producer') ?? 0}${STATUS_CALLBACK_PATH}`,
    BOUNCE_DOMAIN: 'bounces.example.org',
    BOUNCE_SECRET: 'a-secret-for-the-tests-only',
    BOUNCE_PORT: String(bouncePort),
    RETRY_DELAYS: RETRY_DELAYS_MS.map((ms) => `${ms}ms`).join(),
    DRAIN_NOTICE_SECONDS: '0',
    // So that the consumers count, for which they need a right.
    EMAIL_PER_RECIPIENT_HOUR: '1000',
  };
  const processes: ServiceProcess[] = [];
  const start: SecuredFleet['start'] = async (service, more = {}) => {
    const user = `tidings-${service}`;
    const port = String(ports.get(service) ?? 0);
    const own = {
      RABBITMQ_URL: rabbitmq.url(user),
      MONGO_URI: mongodb.uri(user),
      PORT: port,
      HEALTH_PORT: port,
    };
    const entry = join(root, `dist/services/${service}/main.js`);
    const one = new ServiceProcess({ service, number: 1, entry, env: { ...env, ...own, ...more } });
    processes.push(one);
    await one.start();
    return one;
  };
  await Promise.all(SERVICES.map((service) => start(service)));
  const stopServices = async (): Promise<string[]> => {
    const codes = await Promise.all(processes.map((one) => one.stop()));
    return processes.filter((_, index) => codes[index] !== 0).map(({ name }) => name);
  };
  const addressOf = (service: ServiceName): string => `http://127.0.0.1:${ports.get(service) ?? 0}`;
  const address = addressOf('producer');
  return {
    rabbitmq,
    mongodb,
    certificates,
    strange,
    address,
    call: (method, path, body) => callApi(address, method, path, body),
    readiness: async (service) => (await callApi(addressOf(service), 'GET', '/readyz')).json,
    start,
    stopServices,
    log: () => processes.map((one) => one.log).join(''),
    stop: async () => {
      await stopServices();
      await sandbox.stop();
      await Promise.all([rabbitmq.stop(), mongodb.stop()]);
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

async function declareLadder(rabbitmq: SecuredRabbitmq): Promise<void> {
  const model = await rabbitmq.connect();
  await provideTopology(model, topologyOf(RETRY_DELAYS_MS));
  await model.close();
}
