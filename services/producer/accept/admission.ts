import { SmsCountries, type FieldError, type NotificationRequest } from '../../../shared/contracts/index.ts';
import type { Config } from '../../../shared/runtime/config.ts';

/** What this fleet takes of all that is valid: the same for every way in. */
export class Admission {
  readonly #countries: SmsCountries;

  constructor({ SMS_COUNTRIES, TWILIO_PHONE_NUMBER }: Pick<Config, 'SMS_COUNTRIES' | 'TWILIO_PHONE_NUMBER'>) {
    this.#countries = new SmsCountries({ list: SMS_COUNTRIES, sender: TWILIO_PHONE_NUMBER });
  }

  /** What of a valid request is not taken; empty when it is. */
  errorsOf({ type, phone }: Pick<NotificationRequest, 'type' | 'phone'>): FieldError[] {
    if (type !== 'sms' || phone === undefined) return [];
    const message = this.#countries.refusalOf(phone);
    return message === undefined ? [] : [{ field: 'phone', message }];
  }
}
