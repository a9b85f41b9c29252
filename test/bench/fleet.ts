import type { ServiceName } from '../../infra/local/fleet.ts';
import { freePort } from '../../infra/local/ports.ts';
import { ServiceProcess } from '../../infra/chaos/fleet/service-process.ts';
import { createTestServers, type TestServers } from '../support/servers.ts';
import type { Sinks } from './sinks.ts';

const API_KEY = 'a-key-for-benchmarks-only';

/** A fleet on a virtual host and a database of its own. Every setting but addresses and keys is the default. */
export class BenchFleet {
  readonly servers: TestServers;
  /** Where the producer listens. */
  readonly address: string;
  readonly headers = { authorization: `Bearer ${API_KEY}`, 'content-type': 'application/json' };
  readonly #env: NodeJS.ProcessEnv;
  readonly #processes: ServiceProcess[] = [];

  private constructor(servers: TestServers, port: number, sinks: Sinks) {
    this.servers = servers;
    this.address = `http://127.0.0.1:${port}`;
    this.#env = {
      ...process.env,
      RABBITMQ_URL: servers.rabbitmqUrl,
      RABBITMQ_MANAGEMENT_URL: servers.managementUrl,
      MONGO_URI: servers.mongoUri,
      SMTP_URL: `smtp://127.0.0.1:${sinks.smtpPort}`,
      TWILIO_ACCOUNT_SID: `AC${'b'.repeat(32)}`,
      TWILIO_AUTH_TOKEN: 'token',
      TWILIO_PHONE_NUMBER: '+15005550006',
      TWILIO_API_BASE_URL: `http://127.0.0.1:${sinks.smsPort}`,
      API_KEY,
      PORT: String(port),
      HEALTH_PORT: '0',
    };
  }

  /** Starts a producer, a scheduler, and the named consumers. */
  static async start(sinks: Sinks, consumers: readonly ServiceName[] = []): Promise<BenchFleet> {
    const fleet = new BenchFleet(await createTestServers(), await freePort(), sinks);
    for (const service of ['producer', 'scheduler', ...consumers] as const) await fleet.add(service);
    return fleet;
  }

  /** Starts one more process of a service. */
  async add(service: ServiceName): Promise<void> {
    const number = this.#processes.filter((one) => one.service === service).length + 1;
    const entry = `dist/services/${service}/main.js`;
    const one = new ServiceProcess({ service, number, entry, env: this.#env, nodeOptions: profiling() });
    this.#processes.push(one);
    await one.start();
  }

  /** Ends all, and drops what they had. */
  async stop(): Promise<void> {
    await Promise.all(this.#processes.map((one) => one.stop()));
    await this.servers.drop();
  }
}

function profiling(): string[] {
  const { BENCH_PROFILES: folder } = process.env;
  return folder === undefined ? [] : ['--cpu-prof', '--cpu-prof-interval', '500', '--cpu-prof-dir', folder];
}
