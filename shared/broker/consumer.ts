import type { Channel, ChannelModel, ConsumeMessage } from 'amqplib';
import { toError } from '../runtime/errors.ts';
import type { Logger } from '../runtime/logger.ts';
import { Acknowledger } from './acknowledger.ts';
import { ChannelKeeper } from './channel-keeper.ts';
import { closeChannel } from './close-channel.ts';
import type { BrokerConnection } from './connection.ts';

/** One message from a queue. Exactly one of `ack` and `reject` is called, once; after the channel is gone both do nothing. */
export interface Delivery {
  body: Buffer;
  routingKey: string;
  /** As its publisher set them; nothing of it is to be believed, but for `userId`, which the broker holds against who is connected. */
  properties: Readonly<
    Partial<Record<'messageId' | 'userId' | 'type' | 'contentType' | 'contentEncoding', unknown>>
  >;
  /** Whether its channel is gone, so that it is back in its queue and comes again, perhaps to somebody else. */
  isLost(): boolean;
  /** Done with it. */
  ack(): void;
  /** Hands it to the broker's dead lettering, which parks it; only where a copy with a reason could not be published. */
  reject(): void;
}

/** How a queue is consumed. */
export interface ConsumerOptions {
  connection: BrokerConnection;
  queue: string;
  /** Unacknowledged messages at most; bounds what this process holds in memory. */
  prefetch: number;
  log: Logger;
  /** Declares the queue and what belongs to it, so that a deleted one comes back before it is consumed again. */
  declare: (model: ChannelModel) => Promise<void>;
  /** Handles one message. An error of it is a bug: it is logged, and the message is parked. */
  onDelivery: (delivery: Delivery) => Promise<void> | void;
}

/** The channel that is open, and its subscription, if there is one. */
interface OpenChannel {
  channel: Channel;
  acknowledger: Acknowledger;
  tag: string | undefined;
}

/**
 * Consumes one queue on a channel of its own, and subscribes again after whatever ended it: a cut, a closed channel, a deleted queue,
 * a cancel by the server.
 */
export class Consumer {
  readonly #options: ConsumerOptions;
  readonly #keeper: ChannelKeeper<Channel>;
  /** What is wanted. What is so follows it, one step at a time (`#settle`). */
  #isPaused = false;
  #open: OpenChannel | undefined;
  /** The last step; it never rejects. */
  #step: Promise<unknown> = Promise.resolve();
  #lastDeliveryAt = Date.now();

  constructor(options: ConsumerOptions) {
    this.#options = options;
    this.#keeper = new ChannelKeeper({
      connection: options.connection,
      log: options.log,
      purpose: `consume ${options.queue}`,
      open: (model) => model.createChannel(),
      prepare: (channel, model) => this.#prepare(channel, model),
    });
  }

  /** The queue it consumes. */
  get queue(): string {
    return this.#options.queue;
  }

  /** The broker's tag of the subscription, while there is one. */
  get consumerTag(): string | undefined {
    return this.#open?.tag;
  }

  /** When a message last came, in milliseconds since the epoch; at first, when it was made. */
  get lastDeliveryAt(): number {
    return this.#lastDeliveryAt;
  }

  /** Subscribes now and after every reconnect. */
  start(): void {
    this.#keeper.start();
  }

  /** Takes no more messages; those delivered can still be acknowledged. */
  async pause(): Promise<void> {
    this.#isPaused = true;
    await this.#settleOrReopen();
  }

  /** Takes messages again. */
  async resume(): Promise<void> {
    this.#isPaused = false;
    await this.#settleOrReopen();
  }

  /** Ends the subscription and the channel; what is not acknowledged goes back to the queue. */
  async stop(): Promise<void> {
    await this.pause();
    this.#open?.acknowledger.flush();
    await this.#keeper.stop();
  }

  async #prepare(channel: Channel, model: ChannelModel): Promise<void> {
    const acknowledger = new Acknowledger(channel, () => {
      this.#options.connection.coalesce();
    });
    const open: OpenChannel = { channel, acknowledger, tag: undefined };
    channel.once('close', () => {
      if (this.#open === open) this.#open = undefined;
    });
    await this.#options.declare(model);
    // Per consumer: a global prefetch closes the connection on quorum queues.
    await channel.prefetch(this.#options.prefetch, false);
    this.#open = open;
    await this.#settle();
  }

  /** A channel that refuses what is wanted is closed: the keeper opens another one, which begins with what is wanted then. */
  async #settleOrReopen(): Promise<void> {
    const channel = this.#open?.channel;
    await this.#settle().catch(() => channel && closeChannel(channel));
  }

  /**
   * Makes what is so what is wanted. Steps run one after the other: two that looked at the same time would both find no subscription, and
   * make two.
   */
  #settle(): Promise<void> {
    const step = this.#step.then(() => this.#subscribeOrCancel());
    this.#step = step.catch(() => undefined);
    return step;
  }

  async #subscribeOrCancel(): Promise<void> {
    const open = this.#open;
    if (!open || this.#isPaused === (open.tag === undefined)) return;
    if (open.tag === undefined) await this.#subscribe(open);
    else await this.#cancel(open, open.tag);
  }

  async #subscribe(open: OpenChannel): Promise<void> {
    const { channel, acknowledger } = open;
    const reply = await channel.consume(this.#options.queue, (message) => {
      this.#receive(channel, acknowledger, message);
    });
    open.tag = reply.consumerTag;
  }

  async #cancel(open: OpenChannel, tag: string): Promise<void> {
    await open.channel.cancel(tag);
    open.tag = undefined;
  }

  #receive(channel: Channel, acknowledger: Acknowledger, message: ConsumeMessage | null): void {
    if (message === null) {
      // The server canceled us: the queue was deleted or moved. A new channel subscribes again.
      this.#options.log.warn('RabbitMQ canceled the consumer', { queue: this.queue });
      void closeChannel(channel);
      return;
    }
    this.#lastDeliveryAt = Date.now();
    const { deliveryTag, routingKey } = message.fields;
    acknowledger.delivered(deliveryTag);
    void this.#handle({
      body: message.content,
      routingKey,
      properties: message.properties,
      isLost: () => this.#open?.acknowledger !== acknowledger,
      ack: () => {
        acknowledger.ack(deliveryTag);
      },
      reject: () => {
        this.#reject(acknowledger, deliveryTag);
      },
    });
  }

  /** Keeps an unexpected error with its message: it must neither end the process nor come back with every restart. */
  async #handle(delivery: Delivery): Promise<void> {
    try {
      await this.#options.onDelivery(delivery);
    } catch (thrown) {
      this.#options.log.error('a message could not be handled: this is a bug; the message is parked', {
        queue: this.queue,
        error: toError(thrown),
      });
      delivery.reject();
    }
  }

  /** On a closed channel amqplib throws; the message is back in its queue then, and the claim refuses it there. */
  #reject(acknowledger: Acknowledger, tag: number): void {
    try {
      acknowledger.reject(tag);
    } catch (thrown) {
      this.#options.log.debug('rejection after the channel closed', { error: toError(thrown) });
    }
  }
}
