import { createRemoteJWKSet, errors, jwtVerify, type JWTPayload } from 'jose';
import { SCOPES, type Scope } from '../../../shared/contracts/index.ts';
import type { Config } from '../../../shared/runtime/config.ts';
import { SECOND } from '../../../shared/runtime/duration.ts';
import type { Logger } from '../../../shared/runtime/logger.ts';
import { toError } from '../../../shared/runtime/errors.ts';
import { Problem } from '../api/problem.ts';
import { identityOfUser, type Identity } from './identity.ts';

/** Signatures by a key pair only: whoever can check them cannot make them. Never `none`, never a shared secret. */
const ALGORITHMS = ['RS256', 'PS256', 'ES256', 'EdDSA'];
/** How long the issuer may take to answer with its keys, in milliseconds: less than a caller waits. */
const KEYS_WITHIN_MS = SECOND;
/** What says nothing about the token, but that the issuer did not answer, or not with keys. */
const KEYS_TROUBLE = new Set(['ERR_JOSE_GENERIC', 'ERR_JWKS_TIMEOUT', 'ERR_JWKS_INVALID']);
/** Seconds after which a caller may try again. */
const RETRY_AFTER_SECONDS = 5;
/** How far its clock may be off, in seconds. */
const CLOCK_TOLERANCE_SECONDS = 5;
/** How our scopes are called among those of others in a token. */
const PREFIX = 'tidings:';

/** The issuer of tokens that the settings name. */
export class OutsideIssuer {
  readonly #keys: ReturnType<typeof createRemoteJWKSet>;
  readonly #expected: { issuer: string; audience: string };
  readonly #log: Logger;

  constructor({
    url,
    issuer,
    audience,
    log,
  }: {
    url: string;
    issuer: string;
    audience: string;
    log: Logger;
  }) {
    this.#keys = createRemoteJWKSet(new URL(url), { timeoutDuration: KEYS_WITHIN_MS });
    this.#expected = { issuer, audience };
    this.#log = log;
  }

  /** Whether a token says that it comes from there. */
  isIssuer(issuer: string | undefined): boolean {
    return issuer === this.#expected.issuer;
  }

  /**
   * Whose token that is: with scopes of ours (`tidings:send`) it is a service's, without any it is one person's, for the inbox. Undefined when
   * it is not valid.
   * @throws Problem while the issuer's keys cannot be had: the token may be good, and its holder must not throw it away.
   */
  async identify(token: string): Promise<Identity | undefined> {
    try {
      const { payload } = await jwtVerify(token, this.#keys, {
        ...this.#expected,
        algorithms: ALGORITHMS,
        clockTolerance: CLOCK_TOLERANCE_SECONDS,
        requiredClaims: ['sub', 'exp'],
      });
      return identityOf(payload);
    } catch (thrown) {
      if (thrown instanceof errors.JOSEError && !KEYS_TROUBLE.has(thrown.code)) return undefined;
      this.#log.warn('the keys of the issuer of tokens cannot be had', { error: toError(thrown) });
      throw new Problem('issuer_unavailable', { headers: { 'retry-after': String(RETRY_AFTER_SECONDS) } });
    }
  }
}

/** The one that the settings name, if any. */
export function outsideIssuer(config: Config, log: Logger): OutsideIssuer | undefined {
  const { JWKS_URL: url, JWT_ISSUER: issuer, JWT_AUDIENCE: audience } = config;
  // The settings are checked together: all of them, or none.
  if (url === undefined || issuer === undefined || audience === undefined) return undefined;
  return new OutsideIssuer({ url, issuer, audience, log });
}

function identityOf({ sub = '', scope }: JWTPayload): Identity | undefined {
  if (sub === '') return undefined;
  const words = typeof scope === 'string' ? scope.split(' ') : [];
  const ours = words.filter((word) => word.startsWith(PREFIX)).map((word) => word.slice(PREFIX.length));
  if (ours.length === 0) return identityOfUser(sub);
  const scopes: Scope[] = SCOPES.filter((one) => ours.includes(one));
  return { actor: `service:${sub}`, scopes };
}
