import type { Channel, ConsumeMessage } from 'amqplib';
import { DEAD_LETTER_QUEUE } from '../../../shared/broker/index.ts';
import { parseMessage } from '../../../shared/contracts/index.ts';
import { SECOND } from '../../../shared/runtime/duration.ts';

/** How long to wait for the next message of a queue that said it has more, in milliseconds. */
const PATIENCE_MS = 2 * SECOND;

/** A message of the dead-letter queue that is held: it is neither acknowledged nor given back. */
export interface Held {
  tag: number;
  /** The id of its notification. */
  id: string;
}

/** A message there that is none of ours. */
export interface Unreadable {
  tag: number;
  error: string;
  body: Buffer;
  messageId: string | undefined;
}

/** Reads the dead-letter queue without taking anything out of it. Of a message it remembers no more than the id. */
export class QueueReader {
  readonly #channel: Channel;
  #arrived: (Held | Unreadable)[] = [];
  #isOver = false;
  #wake = (): void => undefined;

  constructor(channel: Channel) {
    this.#channel = channel;
  }

  /** Subscribes; at most so many messages are held at once. */
  async start(limit: number): Promise<void> {
    this.#channel.once('close', () => {
      this.#end();
    });
    await this.#channel.prefetch(limit, false);
    await this.#channel.consume(DEAD_LETTER_QUEUE, (message) => {
      if (!message) {
        this.#end();
        return;
      }
      this.#arrived.push(read(message));
      this.#wake();
    });
  }

  /** The next messages, at most so many; none when the queue gives no more. */
  async next(count: number): Promise<(Held | Unreadable)[]> {
    const deadline = Date.now() + PATIENCE_MS;
    while (this.#arrived.length < count && !this.#isOver && Date.now() < deadline)
      await this.#untilArrival(deadline - Date.now());
    return this.#arrived.splice(0, count);
  }

  #untilArrival(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #end(): void {
    this.#isOver = true;
    this.#wake();
  }
}

function read({ content, fields: { deliveryTag: tag }, properties }: ConsumeMessage): Held | Unreadable {
  const parsed = parseMessage(content);
  if (parsed.ok) return { tag, id: parsed.message.id };
  const { messageId } = properties as { messageId?: unknown };
  return {
    tag,
    error: parsed.error,
    body: content,
    messageId: typeof messageId === 'string' ? messageId : undefined,
  };
}
