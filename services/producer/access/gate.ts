import { decodeJwt } from 'jose';
import { inTime } from '../accept/deadline.ts';
import { Problem } from '../api/problem.ts';
import { digestOf, isDigestOf } from '../sign-in/secrets.ts';
import type { AccessTokens } from './access-tokens.ts';
import { addressOf, limitKeyOf, type Arriving, type TrustedProxies } from './address.ts';
import type { ApiKeys } from './api-keys.ts';
import { ROOT, type Identity } from './identity.ts';
import type { OutsideIssuer } from './outside-issuer.ts';
import type { AnswerHead, Limited, RateLimits } from './rate-limits.ts';

/** What is left of the 3 s in which a caller has an answer is for the work itself; milliseconds. */
const IDENTIFIED_WITHIN_MS = 1_200;

/** What is told to whoever comes without a key, and with one that opens nothing: which of the reasons it is, the log says. */
const SEND_A_KEY = 'Send the header "Authorization: Bearer <API key>".';
const OPENS_NOTHING =
  'This key or token opens nothing here: it is not known, expired, revoked, or not for the address that you come from.';

/** What finds out who sends a request. */
export interface GateOptions {
  /** API_KEY. */
  rootKey: string;
  trustedProxies: TrustedProxies;
  keys: ApiKeys;
  tokens: AccessTokens;
  /** Where an outside issuer of tokens is configured. */
  issuer: OutsideIssuer | undefined;
  limits: RateLimits;
}

/** The one way in for requests to the API: who is it, and is it not too much? Nothing of the request but its head is read before. */
export class Gate {
  readonly #options: GateOptions;
  readonly #rootDigest: string;

  constructor(options: GateOptions) {
    this.#options = options;
    this.#rootDigest = digestOf(options.rootKey);
  }

  /** Lets a request in, as somebody; at once where it comes with API_KEY. @throws Problem, or rejects with one. */
  admit(request: Arriving, response: AnswerHead): Identity | Promise<Identity> {
    return this.admitBearer(bearerOf(request), request, response);
  }

  /** The same where the key or token comes in another way than in the head of the request. */
  admitBearer(
    bearer: string | undefined,
    request: Arriving,
    response: AnswerHead,
  ): Identity | Promise<Identity> {
    if (bearer !== undefined && this.#isRoot(bearer)) return ROOT;
    return this.#admitOther(request, response, bearer);
  }

  /**
   * Who somebody is that was let in before and has stayed, by the same key or token; undefined when it opens nothing any more. Counts
   * nothing. @throws what the store throws, in time.
   */
  async recognize(bearer: string, address: string): Promise<Identity | undefined> {
    return this.#isRoot(bearer) ? ROOT : inTime(this.#identify(bearer, address), IDENTIFIED_WITHIN_MS);
  }

  /** Counts a request by where it comes from, for what is open to everybody. @throws Problem over the limit. */
  async countAddress(request: Arriving, response: AnswerHead): Promise<void> {
    await this.#count('address', request, response);
  }

  /**
   * Counts the bytes of a body that an identity has sent, or is about to send. API_KEY has no limit. @throws Problem over the limit.
   */
  async countBytes(identity: Identity, bytes: number, response: AnswerHead): Promise<void> {
    if (identity === ROOT) return;
    await this.#options.limits.countBytes(identity.actor, bytes, response, identity.bytesPerSecond);
  }

  #count(kind: Limited, request: Arriving, response: AnswerHead): Promise<void> {
    return this.#options.limits.count(kind, limitKeyOf(this.addressOf(request)), response);
  }

  async #admitOther(request: Arriving, response: AnswerHead, bearer: string | undefined): Promise<Identity> {
    // Whoever is looked up in the store has an answer in time, too.
    const identity =
      bearer === undefined
        ? undefined
        : await inTime(this.#identify(bearer, this.addressOf(request)), IDENTIFIED_WITHIN_MS);
    if (identity) {
      await this.#options.limits.count('key', identity.actor, response, identity.perSecond);
      return identity;
    }
    // Behind the look at the key, and apart from what is open: one who knocks with wrong keys must not shut out others of the same proxy.
    await this.#count('credentials', request, response);
    throw new Problem('unauthorized', {
      detail: bearer === undefined ? SEND_A_KEY : OPENS_NOTHING,
      headers: { 'www-authenticate': challenge(bearer) },
    });
  }

  async #identify(bearer: string, address: string): Promise<Identity | undefined> {
    const { keys, tokens, issuer } = this.#options;
    const claimed = issuerOf(bearer);
    if (claimed === undefined) return keys.identify(bearer, address);
    return issuer?.isIssuer(claimed) ? issuer.identify(bearer) : tokens.identify(bearer);
  }

  /** Where a request comes from. */
  addressOf(request: Arriving): string {
    return addressOf(request, this.#options.trustedProxies);
  }

  #isRoot(bearer: string): boolean {
    return isDigestOf(this.#rootDigest, bearer);
  }
}

/** The key or token of a request. */
export function bearerOf({ headers }: Arriving): string | undefined {
  return /^Bearer +([\x21-\x7e]+) *$/i.exec(headers.authorization ?? '')?.[1];
}

/** RFC 6750 §3.1: without any credentials no error is named. */
function challenge(bearer: string | undefined): string {
  return bearer === undefined ? 'Bearer realm="tidings"' : 'Bearer realm="tidings", error="invalid_token"';
}

/** Who a token says that it is of, which nobody has checked yet; undefined when it is no token. */
function issuerOf(bearer: string): string | undefined {
  if (bearer.split('.').length !== 3) return undefined;
  try {
    return decodeJwt(bearer).iss ?? '';
  } catch {
    return undefined;
  }
}
