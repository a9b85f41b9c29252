import { join } from 'node:path';
import { ServiceProcess } from '../../infra/chaos/fleet/service-process.ts';
import type { Service } from '../../shared/runtime/service.ts';
import { startTestProducer, startTestScheduler, testConfig, type TestProducer } from './fleet.ts';
import { createTestServers, type TestServers } from './servers.ts';
import { until } from './until.ts';

/** What the API says of a notification. */
export interface Told {
  id: string;
  status: string;
  attempt: number;
  retry_count: number;
  error?: { code: string; message: string };
  timeline: { status: string; reason?: string; code?: string; message?: string }[];
}

/**
 * Producer, scheduler, and an e-mail consumer in front of a mail server that we did not write. The consumer is a process, for Node reads the
 * authorities that it trusts (`NODE_EXTRA_CA_CERTS`) when it starts.
 */
export class MailPeerFleet {
  readonly producer: TestProducer;
  readonly consumer: ServiceProcess;
  readonly #servers: TestServers;
  readonly #scheduler: Service;

  private constructor(
    parts: Pick<MailPeerFleet, 'producer' | 'consumer'> & { servers: TestServers; scheduler: Service },
  ) {
    this.producer = parts.producer;
    this.consumer = parts.consumer;
    this.#servers = parts.servers;
    this.#scheduler = parts.scheduler;
  }

  /** `settings` name the mail server, by `SMTP_URL`. */
  static async start(given: Record<string, string>): Promise<MailPeerFleet> {
    const servers = await createTestServers();
    const settings = { MAIL_FROM: 'Shop <shop@tidings.example>', RETRY_DELAYS: '1s,2s,3s', ...given };
    const config = testConfig(servers, settings);
    const env = {
      ...process.env,
      ...settings,
      NODE_OPTIONS: '',
      RABBITMQ_URL: servers.rabbitmqUrl,
      MONGO_URI: servers.mongoUri,
      HEALTH_PORT: '0',
    };
    const entry = join(process.cwd(), 'dist/services/email/main.js');
    const consumer = new ServiceProcess({ service: 'email', number: 1, entry, env });
    const producer = await startTestProducer(config);
    const scheduler = await startTestScheduler(config);
    await consumer.start();
    return new MailPeerFleet({ producer, consumer, servers, scheduler });
  }

  /** Sends a mail; answers its id. */
  async send(email: string, more: object = {}): Promise<string> {
    const body = { user_id: 'u1', type: 'email', email, subject: 'Hello', message: 'Hello', ...more };
    const { status, json, text } = await this.producer.call('POST', '/v1/notifications', body);
    if (status !== 202) throw new Error(`${status}: ${text}`);
    return String(json.id);
  }

  /** What is known of a notification now. */
  async look(id: string): Promise<Told> {
    return (await this.producer.call('GET', `/v1/notifications/${id}`)).json as unknown as Told;
  }

  /** Waits until it is in a status. */
  untilStatus(id: string, status: string, withinMs?: number): Promise<Told> {
    let last: Told | undefined;
    return until(async () => {
      last = await this.look(id);
      return last.status === status && last;
    }, withinMs).catch((thrown: unknown) => {
      throw new Error(`not ${status}: ${JSON.stringify(last)}`, { cause: thrown });
    });
  }

  async stop(): Promise<void> {
    await this.producer.stop();
    await Promise.all([this.consumer.stop(), this.#scheduler.stop()]);
    await this.#servers.drop();
  }
}
