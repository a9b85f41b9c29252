import type { Channel, ChannelModel } from 'amqplib';
import type { RetryDelays } from '../runtime/config.ts';
import { pause } from '../runtime/backoff.ts';
import { SECOND } from '../runtime/duration.ts';
import { toError } from '../runtime/errors.ts';
import type { CheckResult } from '../runtime/health.ts';
import type { Logger } from '../runtime/logger.ts';
import { BrokerConnection } from './connection.ts';
import { ChannelKeeper } from './channel-keeper.ts';
import { Consumer, type ConsumerOptions } from './consumer.ts';
import { provideTopology } from './declare.ts';
import { Publisher } from './publisher.ts';
import { topologyOf, type Topology } from './topology.ts';

/** How to reach RabbitMQ, and what must exist in it. */
export interface BrokerOptions {
  url: string;
  /** Names the connections in the management UI. */
  service: string;
  delays: RetryDelays;
  log: Logger;
}

/** A process' way to RabbitMQ: one connection to publish and declare on, one to consume on, so that an alarm on publishes never holds acknowledgements back. */
export class Broker {
  readonly publisher: Publisher;
  readonly topology: Topology;
  readonly #publishing: BrokerConnection;
  readonly #consuming: BrokerConnection;
  readonly #declarer: ChannelKeeper<Channel>;
  readonly #log: Logger;
  /** Why the topology could not be provided, when it was last tried. */
  #trouble: string | undefined;

  constructor({ url, service, delays, log }: BrokerOptions) {
    this.#log = log;
    this.topology = topologyOf(delays);
    this.#publishing = new BrokerConnection({ url, name: `tidings ${service} publish`, log });
    this.#consuming = new BrokerConnection({ url, name: `tidings ${service} consume`, log });
    this.publisher = new Publisher({
      connection: this.#publishing,
      log,
      onUnroutable: () => {
        this.#redeclare();
      },
    });
    // A channel of its own: a queue that exists in another shape (406) must not take the publisher down.
    this.#declarer = new ChannelKeeper({
      connection: this.#publishing,
      log,
      purpose: 'declare the topology',
      open: (model) => model.createChannel(),
      prepare: (_, model) => this.#provide(model),
    });
  }

  /** Connects in the background. RabbitMQ may be away: nothing here waits for it. */
  start(): void {
    this.#declarer.start();
    this.publisher.start();
    this.#publishing.start();
    this.#consuming.start();
  }

  /** Closes everything; stop the consumers first. */
  async stop(): Promise<void> {
    try {
      await this.publisher.stop();
      await this.#declarer.stop();
    } finally {
      // A channel that cannot be closed must not leave its connection open.
      await Promise.all([this.#publishing.stop(), this.#consuming.stop()]);
    }
  }

  /** Resolves when the topology is declared and publishes go through, or false after `timeoutMs`. */
  async ready(timeoutMs: number): Promise<boolean> {
    const end = Date.now() + timeoutMs;
    while (Date.now() < end) {
      if (this.#declarer.channel && this.publisher.available) return true;
      await pause(20);
    }
    return false;
  }

  async #provide(model: ChannelModel): Promise<void> {
    try {
      this.#trouble = undefined;
      if ((await provideTopology(model, this.topology)) === 'found')
        this.#log.info('this user may not declare the topology; its exchanges and queues are there');
    } catch (thrown) {
      this.#trouble = toError(thrown).message;
      throw thrown;
    }
  }

  /** Somebody removed a queue or a binding: the keeper opens a new channel, and declares everything again. */
  #redeclare(): void {
    this.#log.warn('a message found no queue; declaring the topology again');
    this.#declarer.channel?.close().catch(() => undefined);
  }

  /** A consumer on the consuming connection; not started yet. */
  consumer(options: Omit<ConsumerOptions, 'connection' | 'log' | 'declare'>): Consumer {
    const declare = async (model: ChannelModel): Promise<void> => {
      await provideTopology(model, this.topology);
    };
    return new Consumer({ ...options, declare, connection: this.#consuming, log: this.#log });
  }

  /** The connection that consumers of any kind share. */
  get consuming(): BrokerConnection {
    return this.#consuming;
  }

  /** Messages that are ready in a queue; undefined when the broker cannot be asked. */
  async depth(queue: string): Promise<number | undefined> {
    const channel = this.#declarer.channel;
    if (!channel) return undefined;
    const reply = await within(channel.checkQueue(queue), 2 * SECOND);
    return reply?.messageCount;
  }

  /** Whether publishes go through and the topology is declared. */
  check(): CheckResult {
    if (!this.#publishing.model) return { ok: false, detail: 'RabbitMQ is not connected' };
    if (this.#publishing.blocked !== undefined)
      return { ok: false, detail: `RabbitMQ holds publishes back: ${this.#publishing.blocked}` };
    if (!this.#declarer.channel)
      return { ok: false, detail: this.#trouble ?? 'the topology is not declared' };
    return { ok: true };
  }
}

/** A request that the broker may never answer, such as on a blocked connection. */
async function within<T>(request: PromiseLike<T>, ms: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => {
      resolve(undefined);
    }, ms);
  });
  try {
    return await Promise.race([request, late]);
  } catch {
    return undefined;
  } finally {
    clearTimeout(timer);
  }
}
