import { startChannelService } from '../../shared/delivery/index.ts';
import { runService } from '../../shared/runtime/service.ts';
import { createSmsChannel } from './channel.ts';

await runService('sms', (context) =>
  startChannelService(context, createSmsChannel(context.config), {
    concurrency: context.config.SMS_CONCURRENCY,
    perSecond: context.config.SMS_PER_SECOND,
    perRecipientHour: context.config.SMS_PER_RECIPIENT_HOUR,
  }),
);
