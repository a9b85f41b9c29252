import { SERVICES } from '../../infra/local/fleet.ts';
import { ServiceProcess } from '../../infra/chaos/fleet/service-process.ts';
import { freePort } from '../../infra/local/ports.ts';
import { startSandbox, type Sandbox } from '../../infra/local/sandbox/sandbox.ts';
import { API_KEY } from '../support/fleet.ts';
import { createTestServers, type TestServers } from '../support/servers.ts';

const TWILIO = { accountSid: `AC${'b'.repeat(32)}`, authToken: 'token' };

/** Errors of the logs that are shown, and characters of each: its message, and where it was thrown. */
const SHOWN_ERRORS = 5;
const SHOWN_CHARS = 600;

/** Every service, one process each, on servers and a sandbox of its own: notifications move while their API is called. */
export class FuzzFleet {
  /** Where the producer listens. */
  readonly address: string;
  readonly #servers: TestServers;
  readonly #sandbox: Sandbox;
  readonly #processes: ServiceProcess[];

  private constructor(servers: TestServers, sandbox: Sandbox, port: number) {
    this.#servers = servers;
    this.#sandbox = sandbox;
    this.address = `http://127.0.0.1:${port}`;
    const env = { ...process.env, ...settingsOf(servers, sandbox), PORT: String(port) };
    this.#processes = SERVICES.map(
      (service) => new ServiceProcess({ service, number: 1, entry: `dist/services/${service}/main.js`, env }),
    );
  }

  /** Starts all of it. @throws when a service does not come up. */
  static async start(): Promise<FuzzFleet> {
    const sandbox = await startSandbox({ smtpPort: 0, httpPort: 0, ...TWILIO });
    const fleet = new FuzzFleet(await createTestServers(), sandbox, await freePort());
    await Promise.all(fleet.#processes.map((one) => one.start()));
    return fleet;
  }

  /** What its services have logged as errors, each kind once: a bug behind an answer that looks right is one, too. */
  errors(): string[] {
    const lines = this.#processes.flatMap(({ log }) => log.split('\n'));
    const errors = lines.filter((line) => line.includes('"level":"error"'));
    const kinds = [...new Set(errors.map(withoutTime))].slice(0, SHOWN_ERRORS);
    return kinds.map((error) => `logged: ${error.slice(0, SHOWN_CHARS)}`);
  }

  /** Ends it, and drops what it had. */
  async stop(): Promise<void> {
    await Promise.all(this.#processes.map((one) => one.stop()));
    await this.#sandbox.stop();
    await this.#servers.drop();
  }
}

function settingsOf(servers: TestServers, sandbox: Sandbox): Record<string, string> {
  return {
    RABBITMQ_URL: servers.rabbitmqUrl,
    RABBITMQ_MANAGEMENT_URL: servers.managementUrl,
    MONGO_URI: servers.mongoUri,
    SMTP_URL: `smtp://127.0.0.1:${sandbox.smtpPort}`,
    TWILIO_ACCOUNT_SID: TWILIO.accountSid,
    TWILIO_AUTH_TOKEN: TWILIO.authToken,
    TWILIO_PHONE_NUMBER: '+15005550006',
    TWILIO_API_BASE_URL: `http://127.0.0.1:${sandbox.httpPort}`,
    API_KEY,
    // Thousands of calls without a key come from one address.
    ADDRESS_REQUESTS_PER_SECOND: '0',
    HEALTH_PORT: '0',
    // Short, so that what fails becomes a dead letter while the run goes on.
    RETRY_DELAYS: '1s,2s,3s',
    DRAIN_NOTICE_SECONDS: '0',
    LOG_FORMAT: 'json',
    LOG_LEVEL: 'info',
  };
}

function withoutTime(line: string): string {
  return line.replace(/,?"timestamp":"[^"]*"/, '');
}
