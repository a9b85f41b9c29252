import { join } from 'node:path';
import { formatDuration } from '../../../shared/runtime/duration.ts';
import type { Channel } from '../../../shared/contracts/index.ts';
import { SERVICES, type ServiceName } from '../../local/fleet.ts';
import { ServiceProcess } from './service-process.ts';

/** Deliveries at once of each consumer. */
export const CONCURRENCY = { email: 20, sms: 20, in_app: 100 } as const satisfies Record<Channel, number>;
/** What each consumer has claimed and not recorded, and a crash can make ambiguous, at most; whatever has no setting of its own, as much as it sends at once. */
export const IN_HAND = { email: 200, sms: CONCURRENCY.sms } as const;
/** How long a claim holds in a run, in seconds: the default. */
export const LEASE_SECONDS = 15;
/** The key of its API. */
export const API_KEY = 'a-key-for-chaos-runs-only';
/** Five rungs, as the default ladder has, only faster. */
export const RETRY_DELAYS_MS = [500, 1_000, 2_000, 4_000, 8_000];
const EACH = 2;

/** Where a fleet finds its servers and providers. */
export interface FleetOptions {
  root: string;
  rabbitmqUrl: string;
  managementUrl: string;
  mongoUri: string;
  /** Settings of the providers. */
  providers: NodeJS.ProcessEnv;
  /** Ports of the two producers, which they keep over restarts. */
  ports: readonly [number, number];
  /** Other settings for some process, such as the way through a proxy. */
  envOf?: (service: ServiceName, number: number) => NodeJS.ProcessEnv;
  /** Another program in the place of a service, to show what the checker sees when that one is broken. */
  entries?: Partial<Record<ServiceName, string>>;
}

/** Two of each service, as separate processes. */
export class ChaosFleet {
  readonly processes: readonly ServiceProcess[];
  readonly addresses: readonly string[];

  constructor(options: FleetOptions) {
    this.addresses = options.ports.map((port) => `http://127.0.0.1:${port}`);
    this.processes = SERVICES.flatMap((service) =>
      Array.from({ length: EACH }, (_, index) => processOf(service, index + 1, options)),
    );
  }

  /** Starts all of them side by side. */
  async start(): Promise<void> {
    await Promise.all(this.processes.map((one) => one.start()));
  }

  /** The processes of a service. */
  of(service: ServiceName): ServiceProcess[] {
    return this.processes.filter((one) => one.service === service);
  }

  /** One process. @throws when there is none. */
  one(service: ServiceName, number: number): ServiceProcess {
    const found = this.of(service).find((one) => one.number === number);
    if (!found) throw new Error(`there is no ${service} ${number}`);
    return found;
  }

  /** Drains all; answers those that did not end by themselves with code 0. */
  async stop(): Promise<string[]> {
    const codes = await Promise.all(this.processes.map((one) => one.stop()));
    return this.processes.filter((_, index) => codes[index] !== 0).map(({ name }) => name);
  }
}

function processOf(service: ServiceName, number: number, options: FleetOptions): ServiceProcess {
  const { root, rabbitmqUrl, managementUrl, mongoUri, providers, ports, envOf, entries } = options;
  return new ServiceProcess({
    service,
    number,
    entry: entries?.[service] ?? join(root, `dist/services/${service}/main.js`),
    env: {
      ...process.env,
      NODE_OPTIONS: '',
      RABBITMQ_URL: rabbitmqUrl,
      RABBITMQ_MANAGEMENT_URL: managementUrl,
      MONGO_URI: mongoUri,
      ...providers,
      API_KEY,
      PORT: String(ports[number - 1] ?? 0),
      HEALTH_PORT: '0',
      RETRY_DELAYS: RETRY_DELAYS_MS.map(formatDuration).join(','),
      LEASE_SECONDS: String(LEASE_SECONDS),
      DELIVERY_TIMEOUT_SECONDS: '15',
      EMAIL_CONCURRENCY: String(CONCURRENCY.email),
      EMAIL_IN_HAND: String(IN_HAND.email),
      SMS_CONCURRENCY: String(CONCURRENCY.sms),
      IN_APP_CONCURRENCY: String(CONCURRENCY.in_app),
      LOG_LEVEL: 'info',
      LOG_FORMAT: 'json',
      ...envOf?.(service, number),
    },
  });
}
