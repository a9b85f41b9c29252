import { SECOND } from '../../shared/runtime/duration.ts';
import { shutDown, shutdownMs, type ShutdownStage } from '../../shared/runtime/shutdown.ts';
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
  const { port, bouncePort, grpcPort } = doors;
  return {
    ...{ port, bouncePort, grpcPort },
    stop: () =>
      shutDown({ log, withinMs: shutdownMs(config.DRAIN_SECONDS) }, [
        ...closing(doors, assembly, () => presence.stop()),
        {
          MongoDB: () => {
            connecting.abort();
            return store.stop();
          },
        },
      ]),
  };
}

/** Says that it stops, ends streams that would not end by themselves, answers requests under way, and publishes what was accepted. */
function closing(
  doors: Doors,
  { context, events }: Assembly,
  leave: () => Promise<void>,
): readonly ShutdownStage[] {
  const { acceptor, broker, bulk, config, controlsNow, draining, live, tasks } = context;
  return [
    {
      listeners: () => {
        doors.announce();
      },
      notice: () => draining.announce(config.DRAIN_NOTICE_SECONDS * SECOND),
    },
    {
      'live updates': () => {
        live.stop();
      },
      'task updates': () => {
        tasks.stop();
      },
      presence: leave,
      // Before the requests that wait for a bulk operation are waited for.
      'bulk operations': () => bulk.stop(),
      ...doors.close,
    },
    { 'accepted notifications': () => acceptor.drain() },
    { events: () => events.stop() },
    {
      RabbitMQ: () => broker.stop(),
      controls: () => {
        controlsNow.stop();
      },
    },
  ];
}
