import type { Channel, Message } from 'amqplib';

/**
 * Acknowledges what was done in one turn of the event loop in as few frames as the order allows: an unbroken run from the oldest on in one
 * frame, what is done out of turn in one each, so that a slow delivery holds no others' acknowledgements up.
 */
export class Acknowledger {
  readonly #channel: Channel;
  readonly #beforeWriting: () => void;
  /** Delivery tags that are not settled, oldest first. */
  readonly #open = new Set<number>();
  readonly #done = new Set<number>();
  #scheduled = false;

  /** `beforeWriting` is called before frames are written, to gather them. */
  constructor(channel: Channel, beforeWriting: () => void = () => undefined) {
    this.#channel = channel;
    this.#beforeWriting = beforeWriting;
  }

  /** A message came. */
  delivered(tag: number): void {
    this.#open.add(tag);
  }

  /** A message is done with. */
  ack(tag: number): void {
    this.#done.add(tag);
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.flush();
    });
  }

  /** Sends a message to the broker's dead lettering, unless it is acknowledged already. @throws when the channel is closed. */
  reject(tag: number): void {
    // RabbitMQ closes the channel over a second answer to one message.
    if (this.#done.has(tag) || !this.#open.delete(tag)) return;
    this.#channel.reject(messageOf(tag), false);
  }

  /** Sends what waits. On a closed channel it does nothing: the messages are back in their queue, and the claim refuses them there. */
  flush(): void {
    this.#beforeWriting();
    try {
      const last = this.#takeRun();
      if (last !== undefined) this.#channel.ack(messageOf(last), true);
      for (const tag of this.#done) {
        this.#open.delete(tag);
        this.#channel.ack(messageOf(tag));
      }
    } catch {
      this.#open.clear();
    }
    this.#done.clear();
  }

  /** Takes the unbroken run of done ones from the oldest on; answers its last tag. */
  #takeRun(): number | undefined {
    let last: number | undefined;
    for (const tag of this.#open) {
      if (!this.#done.delete(tag)) break;
      this.#open.delete(tag);
      last = tag;
    }
    return last;
  }
}

/** amqplib reads nothing else of a message. */
function messageOf(deliveryTag: number): Message {
  return { fields: { deliveryTag } } as Message;
}
