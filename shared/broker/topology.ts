import { CHANNEL_NAMES, LANES, type Channel, type Lane } from '../contracts/index.ts';
import type { RetryDelays } from '../runtime/config.ts';
import { formatDuration } from '../runtime/duration.ts';

/** A durable topic exchange. */
export interface ExchangeSpec {
  name: string;
}

/** A durable quorum queue with its arguments. They cannot change once declared: another shape needs another name. */
export interface QueueSpec {
  name: string;
  arguments: Readonly<Record<string, string | number>>;
}

/** From an exchange to a queue. */
export interface BindingSpec {
  exchange: string;
  queue: string;
  key: string;
}

/** Everything that must exist in RabbitMQ, as data: processes that have the right declare it at start, `definitions.json` is generated from it. */
export interface Topology {
  exchanges: readonly ExchangeSpec[];
  queues: readonly QueueSpec[];
  bindings: readonly BindingSpec[];
}

/** Exchanges, all topic. */
export const EXCHANGES = {
  work: 'tidings.v1',
  retry: 'tidings.v1.retry',
  dead: 'tidings.v1.dead',
  parking: 'tidings.v1.parking',
  events: 'tidings.v1.events',
  /** The one that others publish to, so its name has no version. */
  requests: 'tidings.requests',
} as const;

/** The routing key of what is told on the exchange of events. */
export const CHANGED = 'changed';
/** The routing key of what is told of tasks, there too. */
export const TASKS_UPDATED = 'tasks_updated';

/** Where dead letters lie, one per `failed_permanently` record. */
export const DEAD_LETTER_QUEUE = 'tidings.v1.dlq';
/** Where the requests of others wait to be accepted. */
export const REQUESTS_QUEUE = 'tidings.v1.requests';
/** Where messages lie that nobody could read. */
export const PARKING_QUEUE = 'tidings.v1.parking';

/** Redeliveries before a work message is parked. 20 is the default of RabbitMQ 4.x; 3.10 has none, so it is always said. */
const WORK_DELIVERY_LIMIT = 20;
/**
 * The same for requests of others. Each half hour that one is held while MongoDB is away or the fleet is drained is a delivery as well, for
 * RabbitMQ then closes the channel: about four days. Not without end, or what ends its producer would do so for good.
 */
const REQUESTS_DELIVERY_LIMIT = 200;
/** For queues that people look into: on 4.x each "Get messages" of the management UI counts as a delivery. */
const UNLIMITED_DELIVERIES = 1_000_000;

/** The queue of a channel's lane. */
export function workQueue(channel: Channel, lane: Lane): string {
  return lane === 'transactional' ? `tidings.v1.${channel}` : `tidings.v1.${channel}.${lane}`;
}

/** The wait queue of a channel's tier. Its name carries the delay, so that another ladder declares other queues. */
export function waitQueue(channel: Channel, delayMs: number): string {
  return `tidings.v1.${channel}.wait.${formatDuration(delayMs)}`;
}

/** The routing key of a first publish, or of a retry when a delay is given. Both keep their lane on the way back. */
export function routingKey(channel: Channel, lane: Lane, delayMs?: number): string {
  return delayMs === undefined ? `${channel}.${lane}` : `${channel}.${lane}.${formatDuration(delayMs)}`;
}

/** The topology of a retry ladder. */
export function topologyOf(delays: RetryDelays): Topology {
  const tiers = [...new Set(delays)];
  const queues = CHANNEL_NAMES.flatMap((channel) => [
    ...LANES.map((lane) => ({ name: workQueue(channel, lane), arguments: workArguments() })),
    ...tiers.map((ms) => ({ name: waitQueue(channel, ms), arguments: waitArguments(ms) })),
  ]);
  const bindings = CHANNEL_NAMES.flatMap((channel) => [
    ...LANES.map((lane) => ({
      exchange: EXCHANGES.work,
      queue: workQueue(channel, lane),
      key: `${channel}.${lane}.#`,
    })),
    ...tiers.map((ms) => ({
      exchange: EXCHANGES.retry,
      queue: waitQueue(channel, ms),
      key: `${channel}.*.${formatDuration(ms)}`,
    })),
  ]);
  return {
    exchanges: Object.values(EXCHANGES).map((name) => ({ name })),
    queues: [
      ...queues,
      { name: REQUESTS_QUEUE, arguments: workArguments(REQUESTS_DELIVERY_LIMIT) },
      ...[DEAD_LETTER_QUEUE, PARKING_QUEUE].map((name) => ({ name, arguments: keptArguments() })),
    ],
    bindings: [
      ...bindings,
      // Under whatever key: a message that no queue takes would be gone, and its sender would not know.
      { exchange: EXCHANGES.requests, queue: REQUESTS_QUEUE, key: '#' },
      { exchange: EXCHANGES.dead, queue: DEAD_LETTER_QUEUE, key: '#' },
      { exchange: EXCHANGES.parking, queue: PARKING_QUEUE, key: '#' },
    ],
  };
}

// At-least-once dead lettering needs all of: a quorum queue, this strategy, and reject-publish. Without any of them it silently loses.
const SAFE_DEAD_LETTERING = {
  'x-queue-type': 'quorum',
  'x-dead-letter-strategy': 'at-least-once',
  'x-overflow': 'reject-publish',
} as const;

function workArguments(deliveryLimit = WORK_DELIVERY_LIMIT): QueueSpec['arguments'] {
  return {
    ...SAFE_DEAD_LETTERING,
    'x-delivery-limit': deliveryLimit,
    'x-dead-letter-exchange': EXCHANGES.parking,
  };
}

// No dead-letter routing key: the message goes back under its own key, and so into its own lane.
function waitArguments(delayMs: number): QueueSpec['arguments'] {
  return { ...SAFE_DEAD_LETTERING, 'x-message-ttl': delayMs, 'x-dead-letter-exchange': EXCHANGES.work };
}

function keptArguments(): QueueSpec['arguments'] {
  return { 'x-queue-type': 'quorum', 'x-delivery-limit': UNLIMITED_DELIVERIES };
}
