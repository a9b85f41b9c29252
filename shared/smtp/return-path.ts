import { createHmac, timingSafeEqual } from 'node:crypto';

/** The settings that make return paths. */
interface ReturnPathSettings {
  BOUNCE_DOMAIN?: string | undefined;
  BOUNCE_SECRET?: string | undefined;
}

/** Hexadecimal digits of the signature: 96 bits, so that the local part is no longer than the 64 characters of RFC 5321 §4.5.3.1.1. */
const SIGNATURE_DIGITS = 24;
const UUID = /^([0-9a-f]{8})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{12})$/;
const MARKER = new RegExp(`^bounce\\+(?<id>[0-9a-f]{32})-(?<signature>[0-9a-f]{${SIGNATURE_DIGITS}})$`);

/**
 * Return paths that say which notification came back (VERP), signed, so that nobody can make one up. In small letters, for servers on the way
 * may change the case.
 */
export class ReturnPaths {
  readonly #domain: string;
  readonly #secret: string;

  constructor({ domain, secret }: { domain: string; secret: string }) {
    this.#domain = domain.toLowerCase();
    this.#secret = secret;
  }

  /** As the settings say; undefined where mail has no return path of its own. */
  static of({ BOUNCE_DOMAIN: domain, BOUNCE_SECRET: secret }: ReturnPathSettings): ReturnPaths | undefined {
    return domain === undefined || secret === undefined ? undefined : new ReturnPaths({ domain, secret });
  }

  /** The return path of a notification; undefined where its id is not one of ours. */
  for(notificationId: string): string | undefined {
    if (!UUID.test(notificationId)) return undefined;
    const id = notificationId.replaceAll('-', '');
    return `bounce+${id}-${this.#sign(id)}@${this.#domain}`;
  }

  /** The notification that an address stands for; undefined where it is not one of ours. */
  notificationOf(address: string): string | undefined {
    const [local = '', domain = '', ...more] = address.toLowerCase().split('@');
    const { id, signature } = MARKER.exec(local)?.groups ?? {};
    if (domain !== this.#domain || more.length > 0 || id === undefined || signature === undefined)
      return undefined;
    if (!timingSafeEqual(Buffer.from(signature), Buffer.from(this.#sign(id)))) return undefined;
    return id.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
  }

  #sign(id: string): string {
    return createHmac('sha256', this.#secret).update(id).digest('hex').slice(0, SIGNATURE_DIGITS);
  }
}
