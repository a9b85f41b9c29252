import type { Channel, ChannelModel } from 'amqplib';
import { closeChannel } from './close-channel.ts';
import type { Topology } from './topology.ts';

/** The broker's codes for what this user may not do, and for what is not there. */
const ACCESS_REFUSED = 403;
const NOT_FOUND = 404;

/**
 * Sees to it that a topology is there: declares it or, where the user of this process has no right to configure, looks whether somebody else
 * has. Answers which. On channels of their own, for each refusal closes one.
 * @throws when something is missing that this user may not declare, or is there in another shape.
 */
export async function provideTopology(
  model: ChannelModel,
  topology: Topology,
): Promise<'declared' | 'found'> {
  try {
    await onOwnChannel(model, (channel) => declare(channel, topology));
    return 'declared';
  } catch (thrown) {
    if (codeOf(thrown) !== ACCESS_REFUSED) throw thrown;
    await onOwnChannel(model, (channel) => find(channel, topology));
    return 'found';
  }
}

/** Declares everything; what exists already in the same shape is left as it is. */
async function declare(channel: Channel, topology: Topology): Promise<void> {
  for (const { name } of topology.exchanges) await channel.assertExchange(name, 'topic', { durable: true });
  for (const queue of topology.queues)
    await channel.assertQueue(queue.name, { durable: true, arguments: queue.arguments });
  for (const { queue, exchange, key } of topology.bindings) await channel.bindQueue(queue, exchange, key);
}

/** Passive declarations take no right at all. They say nothing about bindings: those that are missing show when a message finds no queue. */
async function find(channel: Channel, { exchanges, queues }: Topology): Promise<void> {
  for (const { name } of exchanges) await mustBeThere(`exchange ${name}`, channel.checkExchange(name));
  for (const { name } of queues) await mustBeThere(`queue ${name}`, channel.checkQueue(name));
}

async function mustBeThere(what: string, look: PromiseLike<unknown>): Promise<void> {
  try {
    await look;
  } catch (thrown) {
    if (codeOf(thrown) !== NOT_FOUND) throw thrown;
    throw new Error(
      `the ${what} is missing, and this user may not declare it: import infra/rabbitmq/definitions.json, or give the user the right to configure`,
      { cause: thrown },
    );
  }
}

async function onOwnChannel(model: ChannelModel, work: (channel: Channel) => Promise<void>): Promise<void> {
  const channel = await model.createChannel();
  // The work hears of it as well.
  channel.on('error', () => undefined);
  try {
    await work(channel);
  } finally {
    await closeChannel(channel);
  }
}

function codeOf(thrown: unknown): unknown {
  return thrown instanceof Error && 'code' in thrown ? thrown.code : undefined;
}
