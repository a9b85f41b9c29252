import { isSupportedCountry, parsePhoneNumberFromString } from 'libphonenumber-js/max';

/** Opens every country. */
export const EVERY_COUNTRY = '*';

/** Whether a text is what SMS_COUNTRIES takes: codes of countries, or `*`. */
export function isCountryList(text: string): boolean {
  return text === EVERY_COUNTRY || text.split(',').every((code) => isSupportedCountry(code.trim()));
}

/**
 * Which numbers SMS may go to. Others are refused: whoever can make a service text numbers of their choice earns by numbers abroad that they
 * are paid for (SMS pumping). Without a list, it is the country of the sender's own number: one ISO 3166 code, not its numbering plan. +1 reaches premium
 * numbers in the Caribbean, and +44 the islands' own carriers, at other prices; so territories of the same plan are open only where they are named.
 */
export class SmsCountries {
  /** Undefined: every country. */
  readonly #allowed: ReadonlySet<string> | undefined;

  /** `list`: codes separated by commas, or `*`. `sender`: in E.164; without it and without a list, every country is open here. */
  constructor({ list, sender }: { list: string | undefined; sender: string | undefined }) {
    const codes = list ?? (sender === undefined ? EVERY_COUNTRY : (countryOf(sender) ?? ''));
    this.#allowed =
      codes === EVERY_COUNTRY ? undefined : new Set(codes.split(',').map((code) => code.trim()));
  }

  /** Why a number is refused, and the value that opens it; undefined when it is not refused. */
  refusalOf(phone: string): string | undefined {
    if (this.#allowed === undefined) return undefined;
    const country = countryOf(phone);
    if (country !== undefined && this.#allowed.has(country)) return undefined;
    const open = [...this.#allowed].filter(Boolean);
    const where = open.join(', ') || 'no country, because the country of the sender is not known';
    const opened = country === undefined ? EVERY_COUNTRY : [...open, country].join(',');
    return `is in ${country ?? 'no known country'}; SMS go to ${where} only. To allow it, set SMS_COUNTRIES=${opened}, a setting of the fleet`;
  }
}

function countryOf(phone: string): string | undefined {
  return parsePhoneNumberFromString(phone)?.country;
}
