import { startChannelService } from '../../shared/delivery/index.ts';
import { runService } from '../../shared/runtime/service.ts';
import { createInAppChannel } from './channel.ts';

await runService('in-app', (context) =>
  startChannelService(context, createInAppChannel(), {
    concurrency: context.config.IN_APP_CONCURRENCY,
    perRecipientHour: context.config.IN_APP_PER_RECIPIENT_HOUR,
  }),
);
