import {
  Carriers,
  SMS_GATEWAY,
  beyondGsm,
  providerRouteOf,
  type FieldError,
  type NotificationRequest,
} from '../../../shared/contracts/index.ts';
import type { Config } from '../../../shared/runtime/config.ts';

/** The settings that say which ways there are. */
export type WaysConfig = Pick<
  Config,
  'EMAIL_PROVIDERS' | 'SMS_PROVIDERS' | 'SMS_GATEWAY_CARRIERS' | 'SMS_GATEWAY_DEFAULT_CARRIER'
>;

/** What a request says about the way that it goes. */
type Chosen = Pick<NotificationRequest, 'type' | 'via' | 'carrier' | 'phone' | 'message'>;

/** The providers and carriers that this fleet has: a way that there is not is refused at the door, and not found out at the end. */
export class Ways {
  readonly #providers: Readonly<Record<NotificationRequest['type'], readonly string[]>>;
  readonly #carriers: Carriers;

  constructor(config: WaysConfig) {
    const namesOf = (route: string): string[] => (providerRouteOf(route) ?? []).map(({ name }) => name);
    this.#providers = {
      email: namesOf(config.EMAIL_PROVIDERS),
      sms: namesOf(config.SMS_PROVIDERS),
      in_app: [],
    };
    this.#carriers = new Carriers({
      own: config.SMS_GATEWAY_CARRIERS,
      byDefault: config.SMS_GATEWAY_DEFAULT_CARRIER,
    });
  }

  /** Carriers that a text may name; empty when none goes to a gateway. */
  get carriers(): string[] {
    return this.#providers.sms.includes(SMS_GATEWAY) ? this.#carriers.names : [];
  }

  /** Providers that a notification may name, where a channel has more than one. */
  get providers(): string[] {
    return Object.values(this.#providers).flatMap((names) => (names.length > 1 ? names : []));
  }

  /** What is wrong with the way that a request chooses; empty when nothing is. */
  errorsOf(request: Chosen): FieldError[] {
    const { type, via } = request;
    const names = this.#providers[type];
    if (via !== undefined && !names.includes(via))
      return [
        { field: 'via', message: `must be a provider of ${type} that this fleet has: ${names.join(', ')}` },
      ];
    return type === 'sms' ? this.#gatewayErrors(request) : [];
  }

  /** A carrier that is named must be right; where there is no way but the gateway, all that it asks for must be there. */
  #gatewayErrors({ via, carrier, phone = '', message }: Chosen): FieldError[] {
    const isOnlyWay = (via === undefined ? this.#providers.sms : [via]).every((name) => name === SMS_GATEWAY);
    if (carrier === undefined && !isOnlyWay) return [];
    const address = this.#carriers.addressOf({ phone, carrier });
    const strange = isOnlyWay ? beyondGsm(message) : [];
    return [
      ...(typeof address === 'string' ? [] : [{ field: address.field, message: address.reason }]),
      ...(strange.length === 0
        ? []
        : [
            {
              field: 'message',
              message: `has characters that a gateway does not carry: ${strange.slice(0, 10).join(' ')}`,
            },
          ]),
    ];
  }
}
