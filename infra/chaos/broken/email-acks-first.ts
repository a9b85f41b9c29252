/** An e-mail consumer that acknowledges what it receives at once, before it has recorded anything: a crash must be reported as a loss. */
import { Broker, type Consumer } from '../../../shared/broker/index.ts';
import { startChannelService } from '../../../shared/delivery/index.ts';
import { runService } from '../../../shared/runtime/service.ts';
import { createEmailChannel } from '../../../services/email/channel.ts';

const descriptor = Object.getOwnPropertyDescriptor(Broker.prototype, 'consumer');
const makeConsumer = descriptor?.value as Broker['consumer'];

Object.defineProperty(Broker.prototype, 'consumer', {
  value: function consumer(this: Broker, options: Parameters<Broker['consumer']>[0]): Consumer {
    return makeConsumer.call(this, {
      ...options,
      onDelivery: (delivery) => {
        delivery.ack();
        void options.onDelivery({ ...delivery, ack: () => undefined });
      },
    });
  },
});

await runService('email', (context) =>
  startChannelService(context, createEmailChannel(context.config), {
    concurrency: context.config.EMAIL_CONCURRENCY,
    inHand: context.config.EMAIL_IN_HAND,
  }),
);
