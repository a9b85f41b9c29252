import { isValidPhoneNumber } from 'libphonenumber-js/max';
import { SmsCountries, statusCallbackFor, statusCallbackUrl } from '../../shared/contracts/index.ts';
import type { DeliveryChannel, Outcome } from '../../shared/delivery/index.ts';
import { ConfigError, type Config } from '../../shared/runtime/config.ts';
import { createTwilioProvider } from './providers/twilio.ts';

/**
 * The SMS channel.
 * @throws ConfigError when the account is not fully given.
 */
export function createSmsChannel(config: Config): DeliveryChannel {
  const { TWILIO_ACCOUNT_SID: accountSid, TWILIO_AUTH_TOKEN: authToken, TWILIO_PHONE_NUMBER: from } = config;
  if (accountSid === undefined || authToken === undefined || from === undefined)
    throw new ConfigError(
      'TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN and TWILIO_PHONE_NUMBER are all needed by the SMS consumer',
    );
  const provider = createTwilioProvider({ accountSid, authToken, from, baseUrl: config.TWILIO_API_BASE_URL });
  // Once more, whichever way it came in, for every SMS costs money.
  const countries = new SmsCountries({ list: config.SMS_COUNTRIES, sender: from });
  const callback = statusCallbackUrl(config);
  return {
    name: 'sms',
    provider: 'twilio',
    deliver: (notification) => {
      const phone = notification.phone ?? '';
      if (!isValidPhoneNumber(phone)) return refused('invalid_number', 'not a valid E.164 number');
      const closed = countries.refusalOf(phone);
      if (closed !== undefined) return refused('country_not_allowed', `the number ${closed}`);
      const statusCallback =
        callback === undefined ? undefined : statusCallbackFor(callback, notification._id);
      return provider.send({ to: phone, body: notification.message, statusCallback });
    },
  };
}

function refused(code: string, reason: string): Promise<Outcome> {
  return Promise.resolve({ kind: 'permanent', provider: 'twilio', code, reason, untried: true });
}
