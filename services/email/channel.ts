import { routedChannel, type DeliveryChannel } from '../../shared/delivery/index.ts';
import type { Config } from '../../shared/runtime/config.ts';
import { EMAIL_PROVIDERS } from './providers/index.ts';

/**
 * The e-mail channel.
 * @throws ConfigError when a provider is named that there is not, or that lacks a setting.
 */
export function createEmailChannel(config: Config): DeliveryChannel {
  return routedChannel('email', EMAIL_PROVIDERS, config);
}
