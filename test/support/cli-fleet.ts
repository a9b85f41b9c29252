import type { Collection } from 'mongodb';
import { createInAppChannel } from '../../services/in-app/channel.ts';
import type { Notification } from '../../shared/contracts/index.ts';
import { Quarantine, Suppressions, notificationsOf, openStore } from '../../shared/store/index.ts';
import { silentLogger } from '../../shared/runtime/logger.ts';
import { Cli } from './cli.ts';
import { startTestChannel, startTestProducer, testConfig, type TestProducer } from './fleet.ts';
import { createTestServers } from './servers.ts';

/** What a test of `tidings …` stands on: a producer with the in-app consumer. What is for somebody in-app is sent at once, e-mail waits. */
export interface CliFleet {
  producer: TestProducer;
  cli: Cli;
  notifications: () => Collection<Notification>;
  suppressions: () => Suppressions;
  quarantine: () => Quarantine;
  stop: () => Promise<void>;
}

/** Starts one. */
export async function startCliFleet(): Promise<CliFleet> {
  const servers = await createTestServers();
  const config = testConfig(servers);
  const [producer, inApp] = await Promise.all([
    startTestProducer(config),
    startTestChannel(config, createInAppChannel()),
  ]);
  const store = openStore(servers.mongoUri, 'test');
  const stop = async (): Promise<void> => {
    await Promise.all([producer.stop(), inApp.stop(), store.stop()]);
    await servers.drop();
  };
  return {
    producer,
    cli: new Cli(producer.address),
    notifications: () => notificationsOf(store.db),
    suppressions: () => new Suppressions(store.db),
    quarantine: () => new Quarantine(store.db, silentLogger),
    stop,
  };
}
