import { CHANNEL_NAMES, LANES, REQUESTED, type Channel } from '../contracts/index.ts';
import {
  CHANGED,
  DEAD_LETTER_QUEUE,
  EXCHANGES,
  REQUESTS_QUEUE,
  TASKS_UPDATED,
  workQueue,
} from './topology.ts';

/** On a topic exchange: the routing keys that a user may publish with (write) and bind with (read), as regular expressions. */
export interface TopicRight {
  exchange: string;
  write: string;
  read: string;
}

/**
 * A user of RabbitMQ and what it may do, as regular expressions over the names of exchanges and queues. Configuring is declaring and
 * deleting; writing is publishing to an exchange, and binding a queue; reading is consuming a queue, and binding to an exchange.
 */
export interface BrokerUser {
  name: string;
  /** What the management API lets it see, separated by commas. */
  tags: string;
  configure: string;
  write: string;
  read: string;
  topics: readonly TopicRight[];
}

const NOTHING = '^$';
/** Queues that the broker names itself; exclusive ones, so that nobody else reaches them. */
const OWN_QUEUES = 'amq\\.gen-.*';

/**
 * One user for each service, and one that another team is given: its own has the same rights under its own name. None may declare: with such
 * users the topology comes from `definitions.json`. Passive declarations take no right, and are how depths are asked for. The monitor's empty
 * rights let it see the virtual host.
 */
export const BROKER_USERS: readonly BrokerUser[] = [
  {
    name: 'tidings-producer',
    tags: '',
    configure: anyOf([OWN_QUEUES]),
    write: anyOf([...[EXCHANGES.work, EXCHANGES.parking, EXCHANGES.events].map(literally), OWN_QUEUES]),
    read: anyOf([...[EXCHANGES.events, REQUESTS_QUEUE].map(literally), OWN_QUEUES]),
    topics: [
      { exchange: EXCHANGES.work, write: keysOf(CHANNEL_NAMES), read: NOTHING },
      { exchange: EXCHANGES.parking, write: anyOf([literally(REQUESTS_QUEUE)]), read: NOTHING },
      { exchange: EXCHANGES.events, write: `^${TASKS_UPDATED}$`, read: anyOf([CHANGED, TASKS_UPDATED]) },
    ],
  },
  ...CHANNEL_NAMES.map(consumerOf),
  {
    name: 'tidings-scheduler',
    tags: '',
    configure: NOTHING,
    write: anyOf([EXCHANGES.work, EXCHANGES.dead, EXCHANGES.parking].map(literally)),
    read: anyOf([literally(DEAD_LETTER_QUEUE)]),
    topics: [
      ...[EXCHANGES.work, EXCHANGES.dead].map((exchange) => ({
        exchange,
        write: keysOf(CHANNEL_NAMES),
        read: NOTHING,
      })),
      // A message in the dead-letter queue that cannot be read is parked.
      { exchange: EXCHANGES.parking, write: anyOf([literally(DEAD_LETTER_QUEUE)]), read: NOTHING },
    ],
  },
  {
    name: 'tidings-monitor',
    tags: 'monitoring',
    configure: NOTHING,
    write: NOTHING,
    read: NOTHING,
    topics: [],
  },
  {
    name: 'tidings-requester',
    tags: '',
    configure: NOTHING,
    write: anyOf([literally(EXCHANGES.requests)]),
    read: NOTHING,
    topics: [
      {
        exchange: EXCHANGES.requests,
        write: `^${literally(REQUESTED)}(\\.${oneOf(CHANNEL_NAMES)})?$`,
        read: NOTHING,
      },
    ],
  },
];

/** Reads its own work queues, and publishes under its own keys only, so that one channel cannot speak for another. */
function consumerOf(channel: Channel): BrokerUser {
  const queues = anyOf(LANES.map((lane) => literally(workQueue(channel, lane))));
  const keys = {
    [EXCHANGES.work]: keysOf([channel]),
    [EXCHANGES.retry]: keysOf([channel], '\\.\\w+'),
    [EXCHANGES.dead]: keysOf([channel]),
    // What nobody can read is parked under the name of its queue.
    [EXCHANGES.parking]: queues,
    [EXCHANGES.events]: `^${CHANGED}$`,
  };
  return {
    name: `tidings-${channel.replaceAll('_', '-')}`,
    tags: '',
    configure: NOTHING,
    write: anyOf(Object.keys(keys).map(literally)),
    read: queues,
    topics: Object.entries(keys).map(([exchange, write]) => ({ exchange, write, read: NOTHING })),
  };
}

/** The routing keys of channels; `tier` stands for the delay of a retry, whatever the ladder is. */
function keysOf(channels: readonly Channel[], tier = ''): string {
  return `^${oneOf(channels)}\\.${oneOf(LANES)}${tier}$`;
}

function anyOf(patterns: readonly string[]): string {
  return `^${oneOf(patterns)}$`;
}

function oneOf(patterns: readonly string[]): string {
  return patterns.length === 1 ? patterns.join() : `(${patterns.join('|')})`;
}

function literally(name: string): string {
  return name.replaceAll('.', '\\.');
}
