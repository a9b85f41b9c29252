import {
  publishDue,
  publishParked,
  workQueue,
  type Broker,
  type Consumer,
  type Delivery,
} from '../broker/index.ts';
import { parseMessage, type Channel, type Lane, type Message } from '../contracts/index.ts';
import { MINUTE, SECOND } from '../runtime/duration.ts';
import type { Logger } from '../runtime/logger.ts';

/** Why a lane takes no messages: MongoDB is away, the provider is down, or operators have paused it. */
export type ShutReason = 'store' | 'provider' | 'paused';

/** Messages in hand while the lane is shut are given back after so long, in milliseconds: the broker ends channels that sit on them. */
const GIVE_BACK_AFTER_MS = MINUTE;
const LOOK_EVERY_MS = 15 * SECOND;

/** A notification's messages in hand; a doubled one waits with its twin. */
interface Held {
  message: Message;
  deliveries: Delivery[];
  since: number;
}

/** Messages that were taken out for one claim, by their notification. */
export type Taken = Map<string, Held>;

/** What an intake works with. */
export interface IntakeOptions {
  channel: Channel;
  lane: Lane;
  broker: Broker;
  /** Unacknowledged messages at most; bounds what this process holds in memory. */
  prefetch: number;
  log: Logger;
  /** A message came. */
  onMessage: () => void;
}

/**
 * The messages of one lane that came and are not claimed yet. It is shut while there is a reason: then it consumes nothing, and gives
 * nothing back by a negative acknowledgement, for each of those counts towards the delivery limit.
 */
export class Intake {
  readonly queue: string;
  readonly #options: IntakeOptions;
  readonly #consumer: Consumer;
  readonly #held = new Map<string, Held>();
  readonly #shut = new Set<ShutReason>();
  #looking: NodeJS.Timeout | undefined;
  #drained = false;

  constructor(options: IntakeOptions) {
    const { broker, channel, lane, prefetch } = options;
    this.#options = options;
    this.queue = workQueue(channel, lane);
    this.#consumer = broker.consumer({
      queue: this.queue,
      prefetch,
      onDelivery: (delivery) => {
        this.#receive(delivery);
      },
    });
  }

  /** Notifications in hand. */
  get size(): number {
    return this.#held.size;
  }

  /** Whether nothing is consumed, and why not. */
  get shutReasons(): ShutReason[] {
    return [...this.#shut];
  }

  /** Whether RabbitMQ has our subscription. */
  get isSubscribed(): boolean {
    return this.#consumer.consumerTag !== undefined;
  }

  /** When a message last came, in milliseconds since the epoch. */
  get lastDeliveryAt(): number {
    return this.#consumer.lastDeliveryAt;
  }

  /** Begins to consume. */
  start(): void {
    this.#consumer.start();
    this.#looking = setInterval(() => void this.#giveBackOld(), LOOK_EVERY_MS);
  }

  /** Takes up to `count` notifications out, oldest first. */
  take(count: number): Taken {
    const taken = [...this.#held].slice(0, count);
    for (const [id] of taken) this.#held.delete(id);
    return new Map(taken);
  }

  /** Consumes nothing for this reason. */
  async shut(reason: ShutReason): Promise<void> {
    this.#shut.add(reason);
    await this.#consumer.pause();
  }

  /** The reason is gone; consumes again if it was the last one. */
  async reopen(reason: ShutReason): Promise<void> {
    if (!this.#shut.delete(reason)) return;
    if (this.#shut.size === 0 && !this.#drained) await this.#consumer.resume();
  }

  /** Consumes no more, and leaves alone what is in hand: RabbitMQ takes it back when the channel closes. */
  async drain(): Promise<void> {
    this.#drained = true;
    clearInterval(this.#looking);
    await this.#consumer.pause();
    this.#held.clear();
  }

  /** Closes the channel; after the last acknowledgement. */
  stop(): Promise<void> {
    return this.#consumer.stop();
  }

  /** Puts a message where operators look, with the reason. */
  async park(delivery: Delivery, reason: string): Promise<void> {
    const { broker, log } = this.#options;
    log.warn('message parked', { queue: this.queue, reason });
    try {
      await publishParked(broker.publisher, delivery.body, reason, this.queue);
      delivery.ack();
    } catch {
      // Without a copy the broker's own dead lettering parks it, only without our reason.
      delivery.reject();
    }
  }

  #receive(delivery: Delivery): void {
    const parsed = parseMessage(delivery.body);
    const { channel } = this.#options;
    if (!parsed.ok) void this.park(delivery, parsed.error);
    else if (parsed.message.channel !== channel)
      void this.park(delivery, `a message of channel ${parsed.message.channel} in a queue of ${channel}`);
    else this.#hold(parsed.message, delivery);
  }

  #hold(message: Message, delivery: Delivery): void {
    const twin = this.#held.get(message.id);
    if (twin) twin.deliveries.push(delivery);
    else this.#held.set(message.id, { message, deliveries: [delivery], since: performance.now() });
    this.#options.onMessage();
  }

  async #giveBackOld(): Promise<void> {
    if (this.#shut.size === 0) return;
    const before = performance.now() - GIVE_BACK_AFTER_MS;
    const old = [...this.#held].filter(([, { since }]) => since < before);
    for (const [id] of old) this.#held.delete(id);
    await Promise.all(old.map(([, held]) => this.#giveBack(held)));
  }

  /** A confirmed copy at the tail of the queue, then an acknowledgement: it counts as no delivery. */
  async #giveBack({ message, deliveries }: Held): Promise<void> {
    const { id: _id, channel: type, lane, attempt } = message;
    try {
      await publishDue(this.#options.broker.publisher, { _id, type, lane, attempt });
      for (const delivery of deliveries) delivery.ack();
    } catch {
      // RabbitMQ confirms nothing now: it stays in hand, beside a twin that may have come meanwhile.
      for (const delivery of deliveries) this.#hold(message, delivery);
    }
  }
}
