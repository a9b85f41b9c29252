import { isValidPhoneNumber } from 'libphonenumber-js/max';
import { SmsCountries, canonicalPhone } from '../../shared/contracts/index.ts';
import { routedChannel, type DeliveryChannel, type Outcome } from '../../shared/delivery/index.ts';
import type { Config } from '../../shared/runtime/config.ts';
import { SMS_PROVIDERS } from './providers/index.ts';

/**
 * The SMS channel.
 * @throws ConfigError when a provider is named that there is not, or that lacks a setting.
 */
export function createSmsChannel(config: Config): DeliveryChannel {
  const channel = routedChannel('sms', SMS_PROVIDERS, config);
  // Once more, whichever way it came in, for every SMS costs money.
  const countries = new SmsCountries({ list: config.SMS_COUNTRIES, sender: config.TWILIO_PHONE_NUMBER });
  return {
    ...channel,
    deliver: (notification, signal) => {
      const phone = canonicalPhone(notification.phone ?? '');
      if (!isValidPhoneNumber(phone)) return refused(channel, 'invalid_number', 'not a valid E.164 number');
      const closed = countries.refusalOf(phone);
      if (closed !== undefined) return refused(channel, 'country_not_allowed', `the number ${closed}`);
      return channel.deliver({ ...notification, phone }, signal);
    },
  };
}

function refused({ provider }: DeliveryChannel, code: string, reason: string): Promise<Outcome> {
  return Promise.resolve({ kind: 'permanent', provider, code, reason, untried: true });
}
