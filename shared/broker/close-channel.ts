import type { Channel } from 'amqplib';

/**
 * Closes a channel; resolves once it is closed, whichever side closed it. amqplib never answers a close whose connection ends before the
 * broker's reply, so waiting for that answer alone could last for ever.
 */
export async function closeChannel(channel: Channel): Promise<void> {
  const closed = new Promise<void>((resolve) => channel.once('close', resolve));
  // Refused where the channel is closed already.
  const answered = channel.close().catch(() => undefined);
  await Promise.race([closed, answered]);
}

/** Rounds that a quorum queue is given: one until it has confirmed what came before, one for what was held back, and one more. */
const ROUNDS = 3;

/**
 * Gives a channel's acknowledgements time to reach their quorum queue. Beyond 32 that the queue has not confirmed, RabbitMQ holds them back
 * in the channel, and forgets them when the channel closes: those messages come again. A `get` is answered by the queue itself, in turn; what
 * it takes out goes back when the channel closes. @throws when the channel is closed.
 */
export async function settleAcknowledgements(channel: Channel, queue: string): Promise<void> {
  for (let round = 0; round < ROUNDS; round += 1) await channel.get(queue);
}
