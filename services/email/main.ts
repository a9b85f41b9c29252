import { startChannelService } from '../../shared/delivery/index.ts';
import { runService } from '../../shared/runtime/service.ts';
import { createEmailChannel } from './channel.ts';

await runService('email', (context) =>
  startChannelService(context, createEmailChannel(context.config), {
    concurrency: context.config.EMAIL_CONCURRENCY,
    connections: context.config.EMAIL_CONNECTIONS,
    perSecond: context.config.EMAIL_PER_SECOND,
  }),
);
