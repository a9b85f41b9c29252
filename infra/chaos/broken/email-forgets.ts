/** An e-mail consumer that says sent of one mail in a hundred without handing it over: the providers' own books must give it away. */
import { startChannelService, type DeliveryChannel } from '../../../shared/delivery/index.ts';
import { runService } from '../../../shared/runtime/service.ts';
import { createEmailChannel } from '../../../services/email/channel.ts';

await runService('email', (context) =>
  startChannelService(context, forgetful(createEmailChannel(context.config)), {
    concurrency: context.config.EMAIL_CONCURRENCY,
    inHand: context.config.EMAIL_IN_HAND,
  }),
);

function forgetful(channel: DeliveryChannel): DeliveryChannel {
  let count = 0;
  return {
    ...channel,
    deliver: (notification, signal) => {
      count += 1;
      if (count % 100 === 0) return Promise.resolve({ kind: 'sent', provider: 'smtp' });
      return channel.deliver(notification, signal);
    },
  };
}
