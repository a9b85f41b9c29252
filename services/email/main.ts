import { startChannelService } from '../../shared/delivery/index.ts';
import { runService } from '../../shared/runtime/service.ts';
import { createEmailChannel } from './channel.ts';

await runService('email', (context) =>
  startChannelService(context, createEmailChannel(context.config), {
    concurrency: context.config.EMAIL_CONCURRENCY,
    inHand: context.config.EMAIL_IN_HAND,
    perSecond: context.config.EMAIL_PER_SECOND,
    perRecipientHour: context.config.EMAIL_PER_RECIPIENT_HOUR,
  }),
);
