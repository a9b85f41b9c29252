import { MongoClient } from 'mongodb';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { Acceptor } from '../../../services/producer/accept/acceptor.ts';
import { BulkRunner } from '../../../services/producer/bulk-runner.ts';
import { LiveUpdates } from '../../../services/producer/realtime/live-updates.ts';
import { RequestsDoor } from '../../../services/producer/amqp/requests-door.ts';
import { createEmailChannel } from '../../../services/email/channel.ts';
import { startProducer } from '../../../services/producer/producer.ts';
import { startScheduler } from '../../../services/scheduler/scheduler.ts';
import { Broker, EventsListener, Publisher } from '../../../shared/broker/index.ts';
import { DeliveryLoop } from '../../../shared/delivery/delivery-loop.ts';
import { startChannelService } from '../../../shared/delivery/index.ts';
import { silentLogger } from '../../../shared/runtime/logger.ts';
import type { Service, ServiceContext } from '../../../shared/runtime/service.ts';
import { testConfig } from '../../support/fleet.ts';
import { createTestServers, type TestServers } from '../../support/servers.ts';
import { until } from '../../support/until.ts';

let servers: TestServers;
beforeAll(async () => {
  servers = await createTestServers();
});
afterEach(() => {
  vi.restoreAllMocks();
});
afterAll(() => servers.drop());

const producer = (context: ServiceContext): Promise<Service> => startProducer(context);
const consumer = (context: ServiceContext): Promise<Service> =>
  startChannelService(context, createEmailChannel(context.config), { concurrency: 1 });

/** What a broken part does when it is told to stop; the other parts are the real ones. */
const broken = (): Promise<never> => Promise.reject(new Error('broken'));
const thrown = (): never => {
  throw new Error('broken');
};

test.each<[string, (context: ServiceContext) => Promise<Service>, () => unknown]>([
  [
    'producer: what was accepted',
    producer,
    () => vi.spyOn(Acceptor.prototype, 'drain').mockImplementation(broken),
  ],
  [
    'producer: bulk operations',
    producer,
    () => vi.spyOn(BulkRunner.prototype, 'stop').mockImplementation(broken),
  ],
  ['producer: requests', producer, () => vi.spyOn(RequestsDoor.prototype, 'stop').mockImplementation(broken)],
  ['producer: events', producer, () => vi.spyOn(EventsListener.prototype, 'stop').mockImplementation(broken)],
  ['producer: streams', producer, () => vi.spyOn(LiveUpdates.prototype, 'stop').mockImplementation(thrown)],
  ['producer: publisher', producer, () => vi.spyOn(Publisher.prototype, 'stop').mockImplementation(broken)],
  [
    'consumer: deliveries',
    consumer,
    () => vi.spyOn(DeliveryLoop.prototype, 'stop').mockImplementation(broken),
  ],
  ['consumer: publisher', consumer, () => vi.spyOn(Publisher.prototype, 'stop').mockImplementation(broken)],
  [
    'scheduler: publisher',
    startScheduler,
    () => vi.spyOn(Publisher.prototype, 'stop').mockImplementation(broken),
  ],
])('%s: one part that fails to stop keeps no connection open', async (_what, start, breakPart) => {
  const errors: object[] = [];
  const error = (_words: string, more?: object): void => void errors.push(more ?? {});
  const log = { ...silentLogger, error };
  const config = testConfig(servers, { SMTP_URL: 'smtp://127.0.0.1:1', DRAIN_NOTICE_SECONDS: '0' });
  const service = await start({ config, log });
  breakPart();
  const [brokerStop, storeClose] = [
    vi.spyOn(Broker.prototype, 'stop'),
    vi.spyOn(MongoClient.prototype, 'close'),
  ];
  await service.stop();
  expect(errors).toContainEqual(expect.objectContaining({ part: expect.any(String) as string }));
  expect([brokerStop.mock.calls.length, storeClose.mock.calls.length]).toEqual([1, 1]);
  await until(async () => {
    const open = await servers.management('GET', `vhosts/${servers.vhost}/connections`);
    return (open as unknown[]).length === 0;
  }, 15_000);
});
