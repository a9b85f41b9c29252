import { Broker } from '../broker/index.ts';
import { startHealthServer } from '../runtime/health.ts';
import type { Service, ServiceContext } from '../runtime/service.ts';
import { connectInBackground, notificationsOf, openStore } from '../store/index.ts';
import type { DeliveryChannel } from './channel.ts';
import { DeliveryLoop } from './delivery-loop.ts';

/** Starts the consumer of one channel: its stores, its loop and its probes. RabbitMQ and MongoDB may be away; it waits for them. */
export async function startChannelService(
  { config, log }: ServiceContext,
  channel: DeliveryChannel,
  concurrency: number,
): Promise<Service> {
  const store = openStore(config.MONGO_URI, channel.name);
  const connecting = connectInBackground(store, log);
  const broker = new Broker({
    url: config.RABBITMQ_URL,
    service: channel.name,
    delays: config.RETRY_DELAYS,
    log,
  });
  const notifications = notificationsOf(store.db);
  const loop = new DeliveryLoop({ channel, broker, notifications, config, concurrency, log });
  const checks = { mongodb: () => store.check(), rabbitmq: () => broker.check(), ...loop.checks() };
  const health = await startHealthServer({ host: config.HOST, port: config.HEALTH_PORT }, checks);
  broker.start();
  loop.start();
  log.info('consuming', { channel: channel.name, concurrency, health_port: health.port });
  return {
    stop: async () => {
      await loop.stop();
      await broker.stop();
      connecting.abort();
      await store.stop();
      await health.stop();
    },
  };
}
