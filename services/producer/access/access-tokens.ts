import { hkdfSync } from 'node:crypto';
import { SignJWT, errors, jwtVerify } from 'jose';
import type { Db } from 'mongodb';
import type { Account } from '../../../shared/contracts/index.ts';
import { HOUR, MINUTE, SECOND } from '../../../shared/runtime/duration.ts';
import { sharedSalt, type Accounts } from '../../../shared/store/index.ts';
import { digestOf } from '../sign-in/secrets.ts';
import { identityOfAccount, identityOfUser, type Identity } from './identity.ts';
import { Recent } from './recent.ts';

/** Who signs them, and for whom: ourselves. */
const OWN_ISSUER = 'tidings';
const ALGORITHM = 'HS256';
/** How long an access token of an account opens, in milliseconds; a refresh token gets the next one. */
const ACCESS_LIFE_MS = 10 * MINUTE;
/** How long a token for an inbox opens, in milliseconds; its application gets the next one. */
const INBOX_LIFE_MS = HOUR;

/** A signed token, and how long it opens in seconds. */
export interface SignedToken {
  access_token: string;
  token_type: 'Bearer';
  expires_in: number;
}

/** Short-lived tokens that the producers sign themselves: of accounts, and of people for their inbox. */
export class AccessTokens {
  readonly #db: Db;
  readonly #rootKey: string;
  readonly #accounts: Recent<Account>;
  #key: Uint8Array | undefined;

  constructor({ db, rootKey, accounts }: { db: Db; rootKey: string; accounts: Accounts }) {
    this.#db = db;
    this.#rootKey = rootKey;
    this.#accounts = new Recent((name) => accounts.active(name));
  }

  /** A token with which an account uses the API. */
  ofAccount(account: Account): Promise<SignedToken> {
    return this.#sign({ use: 'account', pw: passwordMark(account) }, account._id, ACCESS_LIFE_MS);
  }

  /** A token that reaches one person's inbox. */
  ofUser(userId: string): Promise<SignedToken> {
    return this.#sign({ use: 'inbox' }, userId, INBOX_LIFE_MS);
  }

  /** Whose token that is; undefined when it is none of ours, or opens nothing any more. @throws the store's errors. */
  async identify(token: string): Promise<Identity | undefined> {
    const claims = await this.#claimsOf(token);
    if (claims?.sub === undefined) return undefined;
    if (claims.use === 'inbox') return identityOfUser(claims.sub);
    // Role, password and the account itself may have changed since it was signed.
    const { sub, use, pw } = claims;
    const account = await this.#accounts.get(sub, (known) => use === 'account' && pw === passwordMark(known));
    return account && identityOfAccount(account);
  }

  async #claimsOf(token: string): Promise<{ sub?: string; use?: unknown; pw?: unknown } | undefined> {
    const key = await this.#signingKey();
    try {
      const options = { algorithms: [ALGORITHM], issuer: OWN_ISSUER, audience: OWN_ISSUER };
      return (await jwtVerify(token, key, { ...options, requiredClaims: ['sub', 'exp'] })).payload;
    } catch (thrown) {
      if (thrown instanceof errors.JOSEError) return undefined;
      throw thrown;
    }
  }

  async #sign(claims: Record<string, string>, subject: string, lifeMs: number): Promise<SignedToken> {
    const expires_in = lifeMs / SECOND;
    const access_token = await new SignJWT(claims)
      .setProtectedHeader({ alg: ALGORITHM, typ: 'JWT' })
      .setIssuer(OWN_ISSUER)
      .setAudience(OWN_ISSUER)
      .setSubject(subject)
      .setIssuedAt()
      .setExpirationTime(`${expires_in} seconds`)
      .sign(await this.#signingKey());
    return { access_token, token_type: 'Bearer', expires_in };
  }

  /** Made of API_KEY and a value in the store: another API_KEY ends all tokens, and neither half alone signs one. */
  async #signingKey(): Promise<Uint8Array> {
    this.#key ??= this.#keyOf(await sharedSalt(this.#db, 'access_tokens'));
    return this.#key;
  }

  #keyOf(salt: Buffer): Uint8Array {
    return new Uint8Array(hkdfSync('sha256', this.#rootKey, salt, 'tidings access tokens', 32));
  }
}

/** Changes with the password, so that the tokens before it end. */
export function passwordMark({ password_hash = '' }: Account): string {
  return digestOf(password_hash).slice(0, 12);
}
