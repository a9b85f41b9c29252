import { SECOND } from '../../shared/runtime/duration.ts';
import type { Service, ServiceContext } from '../../shared/runtime/service.ts';
import { announce, connectInBackground } from '../../shared/store/index.ts';
import { TOLERATED } from './app.ts';
import { assemble, type Assembly } from './assembly.ts';
import { openDoors, type Doors, type Ports } from './doors.ts';

/** How long the first requests wait for RabbitMQ; after it they are accepted all the same. Milliseconds. */
const BROKER_WAIT_MS = 3 * SECOND;

/**
 * Starts the producer: accepts by every door, stores, publishes, and serves the pages.
 * @throws ConfigError without a key; an error of the system when a port is taken.
 */
export async function startProducer(given: ServiceContext): Promise<Service & Ports> {
  const assembly = assemble(given);
  const { context, store, events } = assembly;
  const { config, log, broker, controlsNow, presences, ownChecks } = context;
  const connecting = connectInBackground(store, log);
  broker.start();
  events.start();
  // Whoever starts in the middle of a drain accepts nothing.
  await Promise.all([broker.ready(BROKER_WAIT_MS), controlsNow.start()]);
  const doors = await openDoors(context);
  const presence = announce(presences, { service: 'producer', checks: ownChecks, tolerated: TOLERATED }, log);
  log.info('accepting', { address: `http://${config.HOST}:${doors.port}` });
  return {
    ...doors,
    stop: async () => {
      await closeDoors(doors, assembly, () => presence.stop());
      connecting.abort();
      await store.stop();
    },
  };
}

/** Says that it stops, ends what would not end by itself, answers what is under way, and sees what was accepted on its way. */
async function closeDoors(
  doors: Doors,
  { context, events }: Assembly,
  leave: () => Promise<void>,
): Promise<void> {
  const { acceptor, broker, bulk, config, controlsNow, draining, live, tasks } = context;
  doors.announce();
  await draining.announce(config.DRAIN_NOTICE_SECONDS * SECOND);
  live.stop();
  tasks.stop();
  const gone = leave();
  // Before the requests that wait for one are waited for.
  const bulkStopped = bulk.stop();
  await doors.close();
  await bulkStopped;
  await acceptor.drain();
  await events.stop();
  await broker.stop();
  controlsNow.stop();
  await gone;
}
