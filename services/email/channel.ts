import { channelOf, type DeliveryChannel } from '../../shared/delivery/index.ts';
import type { Config } from '../../shared/runtime/config.ts';
import { EMAIL_PROVIDERS } from './providers/index.ts';

/**
 * The e-mail channel.
 * @throws ConfigError when there is no mail server to hand to.
 */
export function createEmailChannel(config: Config): DeliveryChannel {
  return channelOf('email', EMAIL_PROVIDERS.smtp(config));
}
