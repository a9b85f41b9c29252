import { Broker } from '../broker/index.ts';
import { startHealthServer } from '../runtime/health.ts';
import type { Service, ServiceContext } from '../runtime/service.ts';
import { shutDown, shutdownMs } from '../runtime/shutdown.ts';
import {
  Controls,
  ControlsWatch,
  Presences,
  Suppressions,
  announce,
  connectInBackground,
  notificationsOf,
  openStore,
} from '../store/index.ts';
import type { DeliveryChannel, StoreChannel } from './channel.ts';
import { withRecipientLimit } from './recipient-limit.ts';
import { DeliveryLoop, PROVIDER_CHECK } from './delivery-loop.ts';

/** How much a channel does at once. */
export interface Capacity {
  /** Hand-overs at once, of both lanes. */
  concurrency: number;
  /** Notifications that are claimed and not recorded yet, at most; as many as are handed over at once when not given. */
  inHand?: number;
  /** Deliveries that this process starts in a second at most; unbounded when not given. */
  perSecond?: number | undefined;
  /** What one recipient gets in an hour at most, of all consumers together; unbounded when not given. */
  perRecipientHour?: number | undefined;
}

/** Starts the consumer of one channel: its stores, its loop and its probes. RabbitMQ and MongoDB may be away; it waits for them. */
export async function startChannelService(
  { config, log }: ServiceContext,
  given: DeliveryChannel | StoreChannel,
  { perRecipientHour: perHour, ...capacity }: Capacity,
): Promise<Service> {
  const store = openStore(config.MONGO_URI, given.name);
  const channel = perHour === undefined ? given : withRecipientLimit(given, { db: store.db, perHour });
  const connecting = connectInBackground(store, log, { indexes: false });
  const broker = new Broker({
    url: config.RABBITMQ_URL,
    service: channel.name,
    delays: config.RETRY_DELAYS,
    log,
  });
  const notifications = notificationsOf(store.db, log);
  const suppressions = new Suppressions(store.db);
  const loop = new DeliveryLoop({ channel, broker, notifications, suppressions, config, ...capacity, log });
  const pauses = new ControlsWatch({
    controls: new Controls(store.db),
    log,
    onChange: (active) => {
      loop.pause(active.map(({ _id }) => _id));
    },
  });
  const checks = { mongodb: () => store.check(), rabbitmq: () => broker.check(), ...loop.checks() };
  const address = { host: config.HOST, port: config.HEALTH_PORT };
  const health = await startHealthServer(address, checks, [PROVIDER_CHECK]);
  broker.start();
  loop.start();
  void pauses.start();
  const presence = announce(
    new Presences(store.db),
    {
      service: channel.name,
      checks,
      tolerated: [PROVIDER_CHECK],
      delivery: () => loop.presence,
    },
    log,
  );
  log.info('consuming', {
    channel: channel.name,
    concurrency: capacity.concurrency,
    ...(capacity.perSecond !== undefined && { per_second: capacity.perSecond }),
    health_port: health.port,
  });
  const { standings }: Partial<DeliveryChannel> = channel;
  warnOfSandbox({ config, log }, standings?.names ?? []);
  return {
    stop: () =>
      shutDown({ log, withinMs: shutdownMs(config.DRAIN_SECONDS) }, [
        {
          controls: () => {
            pauses.stop();
          },
          presence: () => presence.stop(),
          deliveries: () => loop.stop(),
        },
        { RabbitMQ: () => broker.stop() },
        {
          MongoDB: () => {
            connecting.abort();
            return store.stop();
          },
        },
        { probes: () => health.stop() },
      ]),
  };
}

/** Says which of the providers the sandbox stands in for: a log of deliveries must not look as if somebody received them. */
function warnOfSandbox({ config, log }: ServiceContext, names: readonly string[]): void {
  const providers = names.filter((name) => config.SANDBOX_PROVIDERS?.includes(name));
  if (providers.length > 0)
    log.warn('the sandbox delivers: nobody receives what these providers send', { providers });
}
