import type { ChannelModel, ConfirmChannel } from 'amqplib';
import { toError } from '../../shared/runtime/errors.ts';

/** What somebody tries on a channel of RabbitMQ. */
export type BrokerAct = (channel: ConfirmChannel) => PromiseLike<unknown>;

/** Publishes one message; resolves when the broker has taken it. */
export function publishing(exchange: string, key: string): BrokerAct {
  return (channel) =>
    new Promise<void>((resolve, reject) => {
      channel.publish(exchange, key, Buffer.from('{}'), {}, (error: unknown) => {
        if (error === null || error === undefined) resolve();
        else reject(toError(error));
      });
    });
}

/** Consumes a queue, and ends it at once; what came goes back. */
export function consuming(queue: string): BrokerAct {
  return async (channel) => {
    const { consumerTag } = await channel.consume(queue, () => undefined);
    await channel.cancel(consumerTag);
  };
}

/** Tries it on a channel of its own; answers the code with which the broker closed that, or undefined when it went well. */
export async function refusalOf(model: ChannelModel, act: BrokerAct): Promise<number | undefined> {
  const channel = await model.createConfirmChannel();
  // An act that is answered by a closed channel only knows that it is closed.
  const closed = new Promise<number>((resolve) =>
    channel.once('error', (error: { code?: number }) => {
      resolve(error.code ?? 0);
    }),
  );
  try {
    await act(channel);
    await channel.close();
    return undefined;
  } catch {
    return closed;
  }
}
