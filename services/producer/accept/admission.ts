import {
  AllowedSenders,
  SmsCountries,
  type FieldError,
  type NotificationRequest,
} from '../../../shared/contracts/index.ts';
import type { Config } from '../../../shared/runtime/config.ts';
import { Ways, type WaysConfig } from './ways.ts';

/** What this fleet takes of all that is valid: the same for every way in. */
export class Admission {
  readonly #countries: SmsCountries;
  readonly #senders: AllowedSenders;
  /** By what providers and carriers it goes. */
  readonly ways: Ways;

  constructor(
    config: Pick<Config, 'SMS_COUNTRIES' | 'TWILIO_PHONE_NUMBER' | 'MAIL_FROM' | 'ALLOWED_SENDERS'> &
      WaysConfig,
  ) {
    this.#countries = new SmsCountries({ list: config.SMS_COUNTRIES, sender: config.TWILIO_PHONE_NUMBER });
    this.#senders = new AllowedSenders({ list: config.ALLOWED_SENDERS, sender: config.MAIL_FROM });
    this.ways = new Ways(config);
  }

  /** Whether mail may go out in the name of this mailbox. */
  allowsSender(from: string): boolean {
    return this.#senders.allows(from);
  }

  /** What of a valid request is not taken; empty when it is. */
  errorsOf(request: NotificationRequest): FieldError[] {
    const { type, phone, from } = request;
    const closed = type === 'sms' && phone !== undefined ? this.#countries.refusalOf(phone) : undefined;
    const foreign = from === undefined ? undefined : this.#senders.refusalOf(from);
    return [
      ...(closed === undefined ? [] : [{ field: 'phone', message: closed }]),
      ...this.ways.errorsOf(request),
      ...(foreign === undefined ? [] : [{ field: 'from', message: foreign }]),
    ];
  }
}
