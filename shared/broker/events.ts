import type { Channel } from 'amqplib';
import { eventSchema, type StateChanges } from '../contracts/index.ts';
import type { Logger } from '../runtime/logger.ts';
import { ChannelKeeper } from './channel-keeper.ts';
import type { BrokerConnection } from './connection.ts';
import { provideTopology } from './declare.ts';
import type { Publisher } from './publisher.ts';
import { CHANGED, EXCHANGES, TASKS_UPDATED } from './topology.ts';

/** Tells listeners that records changed. It is only a wake-up: what listeners show comes from the store, so a lost one is no loss. */
export function publishChanges(publisher: Publisher, changes: StateChanges['changes']): void {
  if (changes.length > 0) publisher.announce(EXCHANGES.events, CHANGED, { changes });
}

/** Tells every producer that tasks were updated. Which ones, the store says: a lost one is found by asking now and then. */
export function publishTasksUpdated(publisher: Publisher): void {
  publisher.announce(EXCHANGES.events, TASKS_UPDATED, {});
}

/** Listens to state changes, and to updates of tasks, on a queue that lives and dies with its connection. */
export class EventsListener {
  readonly #keeper: ChannelKeeper<Channel>;

  constructor(options: {
    connection: BrokerConnection;
    log: Logger;
    onChanges: (changes: StateChanges['changes']) => void;
    onTasksUpdated: () => void;
  }) {
    this.#keeper = new ChannelKeeper({
      connection: options.connection,
      log: options.log,
      purpose: 'listen to state changes',
      open: (model) => model.createChannel(),
      prepare: async (channel, model) => {
        await provideTopology(model, { exchanges: [{ name: EXCHANGES.events }], queues: [], bindings: [] });
        const { queue } = await channel.assertQueue('', {
          exclusive: true,
          durable: false,
          autoDelete: true,
        });
        for (const key of [CHANGED, TASKS_UPDATED]) await channel.bindQueue(queue, EXCHANGES.events, key);
        await channel.consume(
          queue,
          (message) => {
            if (message?.fields.routingKey === TASKS_UPDATED) options.onTasksUpdated();
            else options.onChanges(read(message?.content));
          },
          { noAck: true },
        );
      },
    });
  }

  /** Listens now and after every reconnect. */
  start(): void {
    this.#keeper.start();
  }

  /** Ends listening. */
  stop(): Promise<void> {
    return this.#keeper.stop();
  }
}

function read(body: Buffer | undefined): StateChanges['changes'] {
  try {
    return eventSchema.parse(JSON.parse(String(body))).changes;
  } catch {
    return [];
  }
}
