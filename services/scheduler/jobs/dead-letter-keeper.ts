import type { Channel, ConsumeMessage } from 'amqplib';
import { DEAD_LETTER_QUEUE, publishDead, type Publisher } from '../../../shared/broker/index.ts';
import { MINUTE, SECOND } from '../../../shared/runtime/duration.ts';
import { parseMessage, type Notification } from '../../../shared/contracts/index.ts';
import { WITHOUT_FILES, type Notifications } from '../../../shared/store/index.ts';
import type { Job, JobContext } from '../job.ts';

/** One scheduler at a time keeps the queue; the lease outlives a pass over it. Milliseconds. */
const LEASE_MS = 2 * MINUTE;
/** A consumer publishes its dead letter right after the record; only then is it missing. Milliseconds. */
const MISSING_AFTER_MS = 5 * SECOND;
/** Messages looked at in one bulk. */
const BULK = 500;
/** How long a pass waits for the next message of a queue that said it has more, in milliseconds. */
const PATIENCE_MS = 2 * SECOND;

/**
 * Keeps one message in the dead-letter queue for each dead record, so that the management UI shows the true number. AMQP cannot delete one
 * message: when the numbers differ, a pass takes every message, puts those of the dead back at the tail, and drops the others.
 */
export const deadLetterKeeper: Job = {
  name: 'dead-letter keeper',
  cron: '*/2 * * * * *',
  run: async (context) => {
    if ((await drift(context)) === 0) return 0;
    if (!(await context.locks.take('dead-letter-keeper', context.instance, LEASE_MS))) return 0;
    try {
      return await pass(context);
    } finally {
      await context.locks.release('dead-letter-keeper', context.instance);
    }
  },
};

/** Dead records minus dead letters; 0 also when the broker cannot be asked. */
async function drift({ broker, notifications }: JobContext): Promise<number> {
  const messages = await broker.depth(DEAD_LETTER_QUEUE);
  if (messages === undefined) return 0;
  return (await notifications.countDocuments({ status: 'failed_permanently' })) - messages;
}

async function pass({ broker, notifications, log }: JobContext): Promise<number> {
  const model = broker.consuming.model;
  if (!model) return 0;
  const channel = await model.createChannel();
  channel.on('error', () => undefined);
  try {
    const seen = new Set<string>();
    const dropped = await sift(channel, { publisher: broker.publisher, notifications, seen });
    const added = await addMissing(broker.publisher, notifications, seen);
    log.info('dead-letter queue put right', { kept: seen.size, obsolete: dropped, added });
    return dropped + added;
  } finally {
    await channel.close().catch(() => undefined);
  }
}

interface Sieve {
  publisher: Publisher;
  notifications: Notifications;
  /** Ids that keep their message. */
  seen: Set<string>;
}

/** Looks at as many messages as the queue holds now; answers how many were dropped. */
async function sift(channel: Channel, sieve: Sieve): Promise<number> {
  await channel.prefetch(BULK, false);
  let left = (await channel.checkQueue(DEAD_LETTER_QUEUE)).messageCount;
  let dropped = 0;
  const source = await openSource(channel);
  while (left > 0) {
    const messages = await source.take(Math.min(BULK, left));
    if (messages.length === 0) break;
    left -= messages.length;
    dropped += await settle(channel, messages, sieve);
  }
  await channel.cancel(source.consumerTag);
  return dropped;
}

/** Puts back what is still dead, once per id, and drops the rest. A copy is confirmed before its original is acknowledged. */
async function settle(channel: Channel, messages: ConsumeMessage[], sieve: Sieve): Promise<number> {
  const { publisher, notifications, seen } = sieve;
  const ids = messages.map(idOf).filter((id) => id !== undefined);
  const stillDead = { _id: { $in: ids }, status: 'failed_permanently' as const };
  const dead = await notifications.find(stillDead, { projection: WITHOUT_FILES }).toArray();
  const byId = new Map(dead.map((record) => [record._id, record]));
  let dropped = 0;
  await Promise.all(
    messages.map(async (message) => {
      const id = idOf(message);
      const record = id === undefined ? undefined : byId.get(id);
      if (record && !seen.has(record._id)) {
        seen.add(record._id);
        await publishDead(publisher, record, codeOf(record));
      } else dropped += 1;
      channel.ack(message);
    }),
  );
  return dropped;
}

/** Publishes for the dead records whose message was not seen; answers how many. */
async function addMissing(
  publisher: Publisher,
  notifications: Notifications,
  seen: Set<string>,
): Promise<number> {
  const settled = new Date(Date.now() - MISSING_AFTER_MS);
  let added = 0;
  const settledDead = { status: 'failed_permanently' as const, updated_at: { $lt: settled } };
  for await (const record of notifications.find(settledDead, { projection: WITHOUT_FILES })) {
    if (seen.has(record._id)) continue;
    await publishDead(publisher, record, codeOf(record));
    added += 1;
  }
  return added;
}

function codeOf(record: Notification): string {
  return record.error?.code ?? 'unknown';
}

function idOf(message: ConsumeMessage): string | undefined {
  const parsed = parseMessage(message.content);
  return parsed.ok ? parsed.message.id : undefined;
}

/** Collects what the broker pushes, for taking in bulks. */
async function openSource(
  channel: Channel,
): Promise<{ consumerTag: string; take: (count: number) => Promise<ConsumeMessage[]> }> {
  const arrived: ConsumeMessage[] = [];
  let wake = (): void => undefined;
  const { consumerTag } = await channel.consume(DEAD_LETTER_QUEUE, (message) => {
    if (message) arrived.push(message);
    wake();
  });
  const take = async (count: number): Promise<ConsumeMessage[]> => {
    const deadline = Date.now() + PATIENCE_MS;
    while (arrived.length < count && Date.now() < deadline) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, deadline - Date.now());
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    return arrived.splice(0, count);
  };
  return { consumerTag, take };
}
