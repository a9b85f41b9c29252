import { startSandbox, type Sandbox } from '../../infra/local/sandbox/sandbox.ts';
import { createEmailChannel } from '../../services/email/channel.ts';
import type { Config } from '../../shared/runtime/config.ts';
import type { Service } from '../../shared/runtime/service.ts';
import { notificationsOf, openStore, type Notifications, type Store } from '../../shared/store/index.ts';
import {
  startTestChannel,
  startTestProducer,
  startTestScheduler,
  testConfig,
  type TestProducer,
} from './fleet.ts';
import { createTestServers, type TestServers } from './servers.ts';

/** A producer, the consumer of mails, and a mail server to look into: all inside the test process, on a file's own servers. */
export class MailFleet {
  readonly servers: TestServers;
  readonly config: Config;
  readonly sandbox: Sandbox;
  readonly producer: TestProducer;
  readonly notifications: Notifications;
  readonly #store: Store;
  readonly #services: Service[];

  private constructor(
    parts: Pick<MailFleet, 'servers' | 'config' | 'sandbox' | 'producer'> & {
      store: Store;
      services: Service[];
    },
  ) {
    this.servers = parts.servers;
    this.config = parts.config;
    this.sandbox = parts.sandbox;
    this.producer = parts.producer;
    this.notifications = notificationsOf(parts.store.db);
    this.#store = parts.store;
    this.#services = parts.services;
  }

  /** Starts it with some settings of its own; with a scheduler, where something is to be sent later. */
  static async start(more: Record<string, string> = {}, { scheduler = false } = {}): Promise<MailFleet> {
    const servers = await createTestServers();
    const accountSid = `AC${'a'.repeat(32)}`;
    const sandbox = await startSandbox({ smtpPort: 0, httpPort: 0, accountSid, authToken: 'token' });
    const config = testConfig(servers, { SMTP_URL: `smtp://127.0.0.1:${sandbox.smtpPort}`, ...more });
    const producer = await startTestProducer(config);
    const services = [await startTestChannel(config, createEmailChannel(config))];
    if (scheduler) services.push(await startTestScheduler(config));
    return new MailFleet({
      servers,
      config,
      sandbox,
      producer,
      services,
      store: openStore(servers.mongoUri, 'test'),
    });
  }

  async stop(): Promise<void> {
    await this.producer.stop();
    await Promise.all(this.#services.map((service) => service.stop()));
    await this.#store.stop();
    await this.sandbox.stop();
    await this.servers.drop();
  }
}
