import { randomUUID } from 'node:crypto';
import { SCOPES_OF_ROLE, type Account } from '../../../shared/contracts/index.ts';
import { DAY } from '../../../shared/runtime/duration.ts';
import type { Audit, RefreshTokens } from '../../../shared/store/index.ts';
import { digestOf, newSecret } from '../sign-in/secrets.ts';
import type { SignIn } from '../sign-in/sign-in.ts';
import { passwordMark, type AccessTokens, type SignedToken } from './access-tokens.ts';

/** How long one can be refreshed after a password, in milliseconds: as long as a session of the pages lasts. */
const FAMILY_LIFE_MS = 7 * DAY;
/** A refresh token: its family, and 256 random bits. */
const REFRESH_TOKEN = /^(?<family>[0-9a-f-]{36})\.(?<secret>[\w-]{43})$/;

/** What an account gets for its password, or for a refresh token. */
export interface IssuedTokens extends SignedToken {
  refresh_token: string;
  scope: string;
}

/** Tokens of accounts: a short one to use, and one that works once to get the next pair. */
export class AccountTokens {
  readonly #signIn: SignIn;
  readonly #access: AccessTokens;
  readonly #refresh: RefreshTokens;
  readonly #audit: Audit;

  constructor(options: { signIn: SignIn; access: AccessTokens; refresh: RefreshTokens; audit: Audit }) {
    this.#signIn = options.signIn;
    this.#access = options.access;
    this.#refresh = options.refresh;
    this.#audit = options.audit;
  }

  /** For a name and its password; undefined for anything else. @throws Problem after too many attempts. */
  async byPassword(name: string, password: string, address: string): Promise<IssuedTokens | undefined> {
    const account = await this.#signIn.verified(name, password, address);
    if (!account) return undefined;
    const [family, secret] = [randomUUID(), newSecret()];
    await this.#refresh.begin({
      _id: family,
      account: name,
      // Of the password that was compared: it may have changed since.
      password_mark: passwordMark(account),
      current: digestOf(secret),
      expires_at: new Date(Date.now() + FAMILY_LIFE_MS),
    });
    const who = `account:${name}`;
    await this.#audit.note({ actor: who, act: 'signed_in', subject: who, detail: 'api' });
    return this.#issued(account, family, secret);
  }

  /** For the one refresh token of its family that works. Any other ends the family, for one of two has stolen it. */
  async byRefresh(token: string): Promise<IssuedTokens | undefined> {
    const { family, secret } = REFRESH_TOKEN.exec(token)?.groups ?? {};
    if (family === undefined || secret === undefined) return undefined;
    const next = newSecret();
    const before = await this.#refresh.rotate(family, digestOf(secret), digestOf(next));
    if (!before) {
      await this.#endReused(family);
      return undefined;
    }
    const account = await this.#signIn.accounts.active(before.account);
    if (account && passwordMark(account) === before.password_mark) return this.#issued(account, family, next);
    await this.#refresh.end(family);
    return undefined;
  }

  /** Ends what a refresh token belongs to: whoever signs out. Of what is no token nothing ends. */
  async revoke(token: string): Promise<void> {
    const { family } = REFRESH_TOKEN.exec(token)?.groups ?? {};
    if (family !== undefined) await this.#refresh.end(family);
  }

  async #endReused(family: string): Promise<void> {
    const ended = await this.#refresh.end(family);
    if (!ended) return;
    const who = `account:${ended.account}`;
    await this.#audit.note({ actor: who, act: 'refresh_token_reused', subject: who });
  }

  async #issued(account: Account, family: string, secret: string): Promise<IssuedTokens> {
    const scope = SCOPES_OF_ROLE[account.role].join(' ');
    return { ...(await this.#access.ofAccount(account)), refresh_token: `${family}.${secret}`, scope };
  }
}
