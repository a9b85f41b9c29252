import type { Channel } from 'amqplib';
import {
  DEAD_LETTER_QUEUE,
  closeChannel,
  publishDead,
  publishParked,
  settleAcknowledgements,
  type Broker,
} from '../../../shared/broker/index.ts';
import type { Notification } from '../../../shared/contracts/index.ts';
import { SECOND } from '../../../shared/runtime/duration.ts';
import { ANY_QUEUE, idChunks, type HeldLock, type Notifications } from '../../../shared/store/index.ts';
import type { Look } from './drift.ts';
import { QueueReader, type Held, type Unreadable } from './queue-reader.ts';

/** A consumer publishes its dead letter right after the record; only then is it missing. Milliseconds. */
const MISSING_AFTER_MS = 5 * SECOND;
/** Messages looked up in one call. */
const CHUNK = 500;
/** Messages that one pass holds at most; a prefetch is no larger than 65 535. About 100 bytes each. */
export const WINDOW = 50_000;

/** What a pass works with. */
export interface PassContext {
  broker: Pick<Broker, 'consuming' | 'publisher'>;
  notifications: Notifications;
  lock: HeldLock;
  /** How many dead records and messages there are for certain: messages that somebody else just holds are not missing. */
  known: Look;
  /** Messages that it holds at most. */
  window?: number;
}

/** What a pass did, in messages. */
export interface PassReport {
  /** Seen, and left where they are. */
  kept: number;
  /** Taken out: their record is not dead any more, or another message stands for it. */
  dropped: number;
  /** Published for dead records that had none. */
  added: number;
  /** Put at the tail: the queue is longer than what a pass may hold. */
  moved: number;
  /** Parked, for they could not be read. */
  parked: number;
}

/**
 * Compares the dead-letter queue with the dead records, and mends what differs. AMQP cannot delete one message, so a pass holds the
 * messages unacknowledged: it acknowledges the obsolete ones and gives the others back in their order by closing its channel. Nothing is
 * published but what was missing. A second copy is dropped only while this very channel holds the first one, so passes that overlap can
 * lose none.
 */
export async function passOver(context: PassContext): Promise<PassReport> {
  const report: PassReport = { kept: 0, dropped: 0, added: 0, moved: 0, parked: 0 };
  const model = context.broker.consuming.model;
  if (!model) return report;
  const channel = await model.createChannel();
  // The calls under way hear of it as well.
  channel.on('error', () => undefined);
  try {
    const pass = new Pass(context, channel, report);
    const seen = await pass.sift();
    if (seen === 'all') await pass.addMissing();
    if (seen === 'window') await pass.moveOn();
  } finally {
    await settleAcknowledgements(channel, DEAD_LETTER_QUEUE).catch(() => undefined);
    await closeChannel(channel);
  }
  return report;
}

/** One pass, on its channel. */
class Pass {
  readonly #context: PassContext;
  readonly #channel: Channel;
  readonly #report: PassReport;
  /** Of each dead record the delivery tag of the message that stays. */
  readonly #kept = new Map<string, number>();

  constructor(context: PassContext, channel: Channel, report: PassReport) {
    this.#context = context;
    this.#channel = channel;
    this.#report = report;
  }

  /**
   * Looks at each message once. Answers whether that was all, or as many as fit into the window, or some: then others took messages, or
   * the channel was closed.
   */
  async sift(): Promise<'all' | 'window' | 'some'> {
    const { window = WINDOW } = this.#context;
    const reader = new QueueReader(this.#channel);
    const { messageCount } = await this.#channel.checkQueue(DEAD_LETTER_QUEUE);
    await reader.start(window);
    let left = Math.min(messageCount, window);
    while (left > 0) {
      const messages = await reader.next(Math.min(CHUNK, left));
      if (messages.length === 0) return 'some';
      left -= messages.length;
      await this.#settle(messages);
    }
    return messageCount <= window ? 'all' : 'window';
  }

  async #settle(messages: readonly (Held | Unreadable)[]): Promise<void> {
    const held = messages.filter((one): one is Held => 'id' in one);
    const dead = await this.#stillDead(held.map(({ id }) => id));
    for (const message of messages)
      if (!('id' in message)) await this.#park(message);
      else if (dead.has(message.id)) this.#keep(message);
      else this.#drop(message.tag);
    this.#report.kept = this.#kept.size;
  }

  /** Of two messages the later one stays, for its reason is the newer one. */
  #keep({ id, tag }: Held): void {
    const earlier = this.#kept.get(id);
    if (earlier !== undefined) this.#drop(earlier);
    // In the order of the tags.
    this.#kept.delete(id);
    this.#kept.set(id, tag);
  }

  #drop(tag: number): void {
    this.#acknowledge(tag);
    this.#report.dropped += 1;
  }

  /** @throws LockLost; the message then stays in the queue. */
  #acknowledge(tag: number, allUpTo = false): void {
    this.#context.lock.check();
    this.#channel.ack({ fields: { deliveryTag: tag } } as Parameters<Channel['ack']>[0], allUpTo);
  }

  async #park({ tag, body, error, messageId }: Unreadable): Promise<void> {
    const { publisher } = this.#context.broker;
    await publishParked(publisher, body, error, DEAD_LETTER_QUEUE, { messageId });
    this.#acknowledge(tag);
    this.#report.parked += 1;
  }

  async #stillDead(ids: string[]): Promise<ReadonlySet<string>> {
    const { notifications } = this.#context;
    const dead = { _id: { $in: ids }, status: 'failed_permanently' as const };
    const found = await notifications.find(dead, { projection: { _id: 1 } }).toArray();
    return new Set(found.map(({ _id }) => _id));
  }

  /** Publishes for the dead records that have no message. */
  async addMissing(): Promise<void> {
    const { notifications } = this.#context;
    const missing = this.#missing();
    const dead = { status: 'failed_permanently' as const, ...ANY_QUEUE };
    if (missing <= 0) return;
    for await (const ids of idChunks(notifications, dead)) {
      const left = missing - this.#report.added;
      const unseen = ids.filter((id) => !this.#kept.has(id)).slice(0, left);
      if (unseen.length > 0) this.#report.added += await this.#publish(unseen, MISSING_AFTER_MS);
      if (this.#report.added >= missing) return;
    }
  }

  /** How many messages are missing at least: one that was not seen may stand for any dead record. */
  #missing(): number {
    const { dead, messages } = this.#context.known;
    const { kept, dropped, parked } = this.#report;
    return dead - kept - Math.max(0, messages - kept - dropped - parked);
  }

  /** Puts what it holds at the tail, so that the next pass sees the messages behind it. Each copy is confirmed before its original goes. */
  async moveOn(): Promise<void> {
    const all = [...this.#kept];
    for (let start = 0; start < all.length; start += CHUNK) {
      const chunk = all.slice(start, start + CHUNK);
      await this.#publish(chunk.map(([id]) => id));
      // Everything before it was dropped or moved.
      this.#acknowledge(chunk.at(-1)?.[1] ?? 0, true);
      this.#report.moved += chunk.length;
    }
  }

  /** Publishes for those that are dead since so many milliseconds; answers how many. @throws PublishError */
  async #publish(ids: string[], settledMs = 0): Promise<number> {
    const { notifications, broker, lock } = this.#context;
    const dead = {
      _id: { $in: ids },
      status: 'failed_permanently' as const,
      updated_at: { $lte: new Date(Date.now() - settledMs) },
    };
    const records = await notifications.find(dead, { projection: OF_A_MESSAGE }).toArray();
    lock.check();
    await Promise.all(records.map((record) => publishDead(broker.publisher, record, codeOf(record))));
    return records.length;
  }
}

/** What a message is made of. */
const OF_A_MESSAGE = { type: 1, lane: 1, attempt: 1, user_id: 1, 'error.code': 1 } as const;

function codeOf({ error }: Pick<Notification, 'error'>): string {
  return error?.code ?? 'unknown';
}
