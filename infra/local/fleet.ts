import { join } from 'node:path';
import { STATUS_CALLBACK_PATH } from '../../shared/contracts/index.ts';
import type { Config } from '../../shared/runtime/config.ts';
import { isFree, type Ports } from './ports.ts';
import { isLoopback } from '../../shared/runtime/loopback.ts';
import { BAD_SETTINGS_EXIT } from '../../shared/runtime/service.ts';
import { keptSecret, newAccountSid, newApiKey } from './secrets.ts';
import { sandboxNeeds, sandboxedProviders } from './stand-ins.ts';
import type { ProcessSpec } from './supervisor/managed-process.ts';

/** The services of the fleet, one process each, in the order of the output's colours. */
export const SERVICES = ['producer', 'email', 'sms', 'in-app', 'scheduler'] as const;

/** One of them. */
export type ServiceName = (typeof SERVICES)[number];

/** How long a service may drain before it is ended by force, in milliseconds; all of `npm start` stops within 10 s. */
const SERVICE_STOP_MS = 5_500;
/** What the services themselves take for draining, in seconds. */
const DRAIN_SECONDS = 5;
/** Twilio's own number for tests; the sandbox takes it as a sender. */
const SANDBOX_SENDER = '+15005550006';

/** Where gRPC is served when nothing else is said, and nobody else is there. */
const GRPC_PORT = 50_051;

/** Everything that the services of a local fleet are told. */
export interface Fleet {
  address: string;
  /** Host and port; undefined where gRPC is off. */
  grpcAddress: string | undefined;
  apiKey: string;
  /** The key was given by API_KEY, so it is printed nowhere. */
  isApiKeyGiven: boolean;
  sandboxUrl: string | undefined;
  /** Providers that the sandbox stands in for. */
  sandboxed: readonly string[];
  /** RabbitMQ's addresses, with user and password. */
  rabbitmqUrl: string;
  managementUrl: string | undefined;
  /** Somebody named the RabbitMQ, so its password is printed nowhere. */
  isRabbitmqNamed: boolean;
  /** Where each process says whether it is ready. */
  readiness: Record<string, string>;
  processes: ProcessSpec[];
}

/** What a local fleet is made of. */
export interface FleetOptions {
  root: string;
  dataDir: string;
  config: Config;
  ports: Ports;
  servers: {
    rabbitmqUrl: string;
    managementUrl: string | undefined;
    isRabbitmqNamed: boolean;
    mongoUri: string;
  };
}

/** Works out addresses, keys and processes of the fleet, the sandbox among them where a provider has no credentials. */
export async function planFleet({ root, dataDir, config, ports, servers }: FleetOptions): Promise<Fleet> {
  const port = config.PORT === 0 ? await ports.take('producer') : config.PORT;
  const apiKey = config.API_KEY ?? keptSecret(join(dataDir, 'api-key'), newApiKey);
  const host = config.HOST.includes(':') ? `[${config.HOST}]` : config.HOST;
  const address = `http://${host}:${port}`;
  const sandbox = await planSandbox({ config, dataDir, ports, address });
  const grpcPort = await grpcPortOf(config, ports);
  const env = {
    ...process.env,
    ...sandbox?.providers,
    TIDINGS_SUPERVISED: '1',
    LOG_FORMAT: process.env.LOG_FORMAT ?? 'text',
    DRAIN_SECONDS: String(DRAIN_SECONDS),
    DRAIN_NOTICE_SECONDS: '0',
    PORT: String(port),
    ...(grpcPort !== undefined && { GRPC_PORT: String(grpcPort) }),
    API_KEY: apiKey,
    RABBITMQ_URL: servers.rabbitmqUrl,
    ...(servers.managementUrl !== undefined && { RABBITMQ_MANAGEMENT_URL: servers.managementUrl }),
    MONGO_URI: servers.mongoUri,
  };
  const readiness: Record<string, string> = { producer: `${address}/readyz` };
  const processes: ProcessSpec[] = [];
  if (sandbox)
    processes.push(nodeProcess('sandbox', 'infra/local/sandbox/main.js', { ...env, ...sandbox.env }, root));
  for (const name of SERVICES) {
    const healthPort = await ports.take(`${name}_health`);
    if (name !== 'producer') readiness[name] = `http://${host}:${healthPort}/readyz`;
    const own = { ...env, HEALTH_PORT: String(healthPort) };
    processes.push(nodeProcess(name, `services/${name}/main.js`, own, root));
  }
  const { managementUrl, rabbitmqUrl, isRabbitmqNamed } = servers;
  const grpcAddress = grpcPort === undefined ? undefined : `${host}:${grpcPort}`;
  return {
    address,
    grpcAddress,
    apiKey,
    isApiKeyGiven: config.API_KEY !== undefined,
    sandboxUrl: sandbox?.url,
    sandboxed: sandboxedProviders(config),
    rabbitmqUrl,
    managementUrl,
    isRabbitmqNamed,
    readiness,
    processes,
  };
}

/** Undefined where nobody asked for it, and keys would travel in the clear. */
async function grpcPortOf(config: Config, ports: Ports): Promise<number | undefined> {
  const { HOST, GRPC_PORT: asked, GRPC_TLS_CERT_FILE: certificate } = config;
  if (asked === undefined && certificate === undefined && !isLoopback(HOST)) return undefined;
  if (asked === undefined && (await isFree(GRPC_PORT, HOST))) return GRPC_PORT;
  return asked === undefined || asked === 0 ? ports.take('grpc') : asked;
}

function nodeProcess(name: string, script: string, env: NodeJS.ProcessEnv, root: string): ProcessSpec {
  const args = ['--enable-source-maps', `dist/${script}`];
  return {
    name,
    command: process.execPath,
    args,
    env,
    cwd: root,
    stopWithinMs: SERVICE_STOP_MS,
    hopelessCode: BAD_SETTINGS_EXIT,
  };
}

interface SandboxPlan {
  url: string;
  env: NodeJS.ProcessEnv;
  /** Settings of the providers that it stands in for. */
  providers: NodeJS.ProcessEnv;
}

async function planSandbox({
  config,
  dataDir,
  ports,
  address,
}: Pick<FleetOptions, 'config' | 'dataDir' | 'ports'> & { address: string }): Promise<
  SandboxPlan | undefined
> {
  const { mail: needsMail, sms: needsSms, gmail } = sandboxNeeds(config);
  const google = gmail ? sandboxClient(dataDir) : undefined;
  if (!needsMail && !needsSms && !google) return undefined;
  const smtpPort = String(await ports.take('sandbox_smtp'));
  const httpPort = String(await ports.take('sandbox_http'));
  const url = `http://127.0.0.1:${httpPort}`;
  const bounces =
    needsMail && config.BOUNCE_DOMAIN === undefined ? await planBounces(dataDir, ports) : undefined;
  const sid = keptSecret(join(dataDir, 'sandbox-account'), newAccountSid);
  const token = keptSecret(join(dataDir, 'sandbox-token'), newApiKey);
  const sms = {
    TWILIO_ACCOUNT_SID: sid,
    TWILIO_AUTH_TOKEN: token,
    TWILIO_PHONE_NUMBER: SANDBOX_SENDER,
    TWILIO_API_BASE_URL: url,
    // It calls nothing but this machine, also where the pages are served to others.
    TWILIO_STATUS_CALLBACK_URL: `${address.replace('0.0.0.0', '127.0.0.1')}${STATUS_CALLBACK_PATH}`,
  };
  return {
    url,
    env: {
      SANDBOX_SMTP_PORT: smtpPort,
      SANDBOX_HTTP_PORT: httpPort,
      ...(bounces && { SANDBOX_BOUNCE_PORT: bounces.BOUNCE_PORT }),
      SANDBOX_TWILIO_ACCOUNT_SID: sid,
      SANDBOX_TWILIO_AUTH_TOKEN: token,
      ...(google && {
        SANDBOX_GOOGLE_CLIENT_ID: google.GMAIL_CLIENT_ID,
        SANDBOX_GOOGLE_CLIENT_SECRET: google.GMAIL_CLIENT_SECRET,
        SANDBOX_GOOGLE_REFRESH_TOKEN: google.GMAIL_REFRESH_TOKEN,
      }),
    },
    providers: {
      SANDBOX_URL: url,
      SANDBOX_PROVIDERS: sandboxedProviders(config).join(','),
      ...(needsMail && { SMTP_URL: `smtp://127.0.0.1:${smtpPort}` }),
      ...(needsSms && sms),
      ...bounces,
      ...(google && { ...google, GOOGLE_API_BASE_URL: url }),
    },
  };
}

/** Return paths that lead back to the producer, for the sandbox to report to. */
async function planBounces(dataDir: string, ports: Ports): Promise<NodeJS.ProcessEnv> {
  return {
    BOUNCE_DOMAIN: 'bounces.localhost.example',
    BOUNCE_SECRET: keptSecret(join(dataDir, 'bounce-secret'), newApiKey),
    BOUNCE_PORT: String(await ports.take('bounces')),
  };
}

function sandboxClient(
  dataDir: string,
): Record<`GMAIL_${'CLIENT_ID' | 'CLIENT_SECRET' | 'REFRESH_TOKEN'}`, string> {
  return {
    GMAIL_CLIENT_ID: 'sandbox.apps.googleusercontent.com',
    GMAIL_CLIENT_SECRET: keptSecret(join(dataDir, 'sandbox-google-secret'), newApiKey),
    GMAIL_REFRESH_TOKEN: keptSecret(join(dataDir, 'sandbox-google-token'), newApiKey),
  };
}
