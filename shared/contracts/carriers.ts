import { isSupportedCountry, parsePhoneNumberFromString } from 'libphonenumber-js/max';
import { CARRIERS, type Carrier } from './carrier-list.ts';

/** The provider of SMS that hands mails to carriers' gateways, as SMS_PROVIDERS and `via` call it. */
export const SMS_GATEWAY = 'sms_gateway';

/** One entry of SMS_GATEWAY_CARRIERS: `acme=sms.acme.example`, or `acme:DE=sms.acme.example` for numbers of one country only. */
const OWN =
  /^(?<name>[a-z][a-z0-9_]{0,31})(?::(?<country>[A-Z]{2}))?=(?<domain>[a-z0-9-]+(?:\.[a-z0-9-]+)+)$/;

/** Why a text cannot go to a gateway: a stable code, words for people, and the field that they are about. */
export interface GatewayRefusal {
  code: string;
  reason: string;
  field: 'carrier' | 'phone';
}

/** Whether this is a list as SMS_GATEWAY_CARRIERS takes it. */
export function isCarrierList(text: string): boolean {
  return text.split(',').every((entry) => {
    const { name, country } = OWN.exec(entry.trim())?.groups ?? {};
    return name !== undefined && (country === undefined || isSupportedCountry(country));
  });
}

/** The gateways that this fleet knows: those of the list, and its own, which go first. */
export class Carriers {
  readonly #carriers: ReadonlyMap<string, Carrier>;
  readonly #default: string | undefined;

  /** `own`: as SMS_GATEWAY_CARRIERS; `byDefault`: the carrier of whoever names none. */
  constructor({ own, byDefault }: { own?: string | undefined; byDefault?: string | undefined }) {
    this.#carriers = new Map([...Object.entries(CARRIERS), ...ownOf(own)]);
    this.#default = byDefault;
  }

  /** Names of those that take texts now. */
  get names(): string[] {
    return [...this.#carriers].flatMap(([name, carrier]) => (isClosed(carrier) ? [] : [name])).sort();
  }

  /** Whether there is one of this name, be it closed by now. */
  knows(name: string): boolean {
    return this.#carriers.has(name);
  }

  /** The address that makes a text of a mail to this number, or why there is none. */
  addressOf({
    phone,
    carrier = this.#default,
  }: {
    phone: string;
    carrier?: string | undefined;
  }): string | GatewayRefusal {
    if (carrier === undefined)
      return refused(
        'carrier_missing',
        'is needed to reach a gateway, for there is no SMS_GATEWAY_DEFAULT_CARRIER',
      );
    const known = this.#carriers.get(carrier);
    if (!known) return refused('carrier_unknown', `must be one of ${this.names.join(', ')}`);
    if (isClosed(known))
      return refused(
        'carrier_closed',
        `${carrier} closed its gateway on ${known.closed ?? ''}; open are ${this.names.join(', ')}`,
      );
    return addressAt(known, carrier, phone);
  }
}

function addressAt({ country, domain }: Carrier, carrier: string, phone: string): string | GatewayRefusal {
  const number = parsePhoneNumberFromString(phone);
  if (country === undefined) return `${phone.slice(1)}@${domain}`;
  if (number?.country !== country)
    return {
      field: 'phone',
      code: 'carrier_country',
      reason: `is in ${number?.country ?? 'no country that is known'}, and the gateway of ${carrier} takes numbers in ${country} only`,
    };
  return `${number.nationalNumber}@${domain}`;
}

function refused(code: string, reason: string): GatewayRefusal {
  return { field: 'carrier', code, reason };
}

function isClosed({ closed }: Carrier): boolean {
  return closed !== undefined && closed <= new Date().toISOString().slice(0, 10);
}

function ownOf(list = ''): [string, Carrier][] {
  return list.split(',').flatMap((entry): [string, Carrier][] => {
    const { name, country, domain } = OWN.exec(entry.trim())?.groups ?? {};
    return name === undefined || domain === undefined ? [] : [[name, { domain, country }]];
  });
}
