import type { Server } from 'node:http';
import type { Broker } from '../../../shared/broker/index.ts';
import { publishTasksUpdated } from '../../../shared/broker/index.ts';
import { Batcher } from '../../../shared/runtime/batcher.ts';
import type { Config } from '../../../shared/runtime/config.ts';
import type { Logger } from '../../../shared/runtime/logger.ts';
import { StoreTimeout, TaskUpdates, type NewTaskUpdate, type Store } from '../../../shared/store/index.ts';
import type { Gate } from '../access/gate.ts';
import type { Listening } from './listening.ts';
import { Streams } from './streams.ts';
import { TaskFeed } from './task-feed.ts';
import { TaskSockets } from './task-sockets.ts';

/** Updates that get their numbers in one write. */
const MAX_GROUP = 500;
/** Updates that wait for theirs at most; more would only wait in vain. */
const MAX_WAITING = 5_000;

/** Updates of tasks in this producer: they are noted here, and whoever listens hears of all of them, whichever producer noted them. */
export class TaskRoom {
  /** What the streams work with. */
  readonly listening: Listening;
  readonly #updates: TaskUpdates;
  readonly #broker: Broker;
  readonly #config: Config;
  readonly #group: Batcher<NewTaskUpdate, undefined>;
  #sockets: TaskSockets | undefined;

  constructor(options: {
    store: Pick<Store, 'db'>;
    broker: Broker;
    gate: Gate;
    config: Config;
    log: Logger;
  }) {
    const { store, broker, gate, config, log } = options;
    this.#updates = new TaskUpdates(store.db);
    this.#broker = broker;
    this.#config = config;
    this.#group = new Batcher({ maxItems: MAX_GROUP, run: (updates) => this.#append(updates) });
    this.listening = {
      gate,
      log,
      feed: new TaskFeed({ updates: this.#updates, log }),
      streams: new Streams({ log }),
    };
  }

  /** Resolves when an update is kept; then whoever listens is about to hear of it. @throws StoreTimeout, or the driver's error. */
  async note(update: NewTaskUpdate): Promise<void> {
    if (this.#group.waiting >= MAX_WAITING) throw new StoreTimeout('too many updates wait for the store');
    await this.#group.add(update);
  }

  /** Says that there are new updates, here or at another producer. */
  wake(): void {
    this.listening.feed.wake();
  }

  /** Takes connections of Socket.IO, too. Before the server listens. */
  attach(server: Server): void {
    this.#sockets = new TaskSockets(server, this.listening, this.#config);
  }

  /** Ends every stream; clients come back, to another producer. */
  stop(): void {
    this.listening.streams.stop();
    this.#sockets?.stop();
    this.listening.feed.stop();
  }

  async #append(updates: readonly NewTaskUpdate[]): Promise<undefined[]> {
    await this.#updates.append(updates);
    this.wake();
    publishTasksUpdated(this.#broker.publisher);
    return updates.map(() => undefined);
  }
}
