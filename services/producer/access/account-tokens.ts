import { randomUUID } from 'node:crypto';
import { SCOPES_OF_ROLE, type Account } from '../../../shared/contracts/index.ts';
import { DAY } from '../../../shared/runtime/duration.ts';
import type { Audit, RefreshTokens } from '../../../shared/store/index.ts';
import { digestOf, newSecret } from '../sign-in/secrets.ts';
import type { SignIn } from '../sign-in/sign-in.ts';
import type { AccessTokens, SignedToken } from './access-tokens.ts';

/** How long one can be refreshed after a password, in milliseconds: as long as a session of the pages lasts. */
const FAMILY_LIFE_MS = 7 * DAY;

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
    if (!(await this.#signIn.isRight(name, password, address))) return undefined;
    const account = await this.#signIn.accounts.active(name);
    if (!account) return undefined;
    await this.#audit.note({
      actor: `account:${name}`,
      act: 'signed_in',
      subject: `account:${name}`,
      detail: 'api',
    });
    return this.#issue(account, randomUUID(), new Date());
  }

  /** For a refresh token that was not used; a second use ends all that came out of the same password, for one of the two is a thief. */
  async byRefresh(token: string): Promise<IssuedTokens | undefined> {
    const before = await this.#refresh.use(digestOf(token));
    if (!before) return undefined;
    const { account: name, family, began_at, used_at } = before;
    const account = await this.#signIn.accounts.active(name);
    if (used_at === undefined && account) return this.#issue(account, family, began_at);
    await this.#refresh.endFamily(family);
    if (used_at !== undefined)
      await this.#audit.note({
        actor: `account:${name}`,
        act: 'refresh_token_reused',
        subject: `account:${name}`,
      });
    return undefined;
  }

  /** Ends what a refresh token belongs to: whoever signs out. A token that is none changes nothing. */
  async revoke(token: string): Promise<void> {
    const before = await this.#refresh.use(digestOf(token));
    if (before) await this.#refresh.endFamily(before.family);
  }

  async #issue(account: Account, family: string, began_at: Date): Promise<IssuedTokens> {
    const refresh_token = newSecret();
    const expires_at = new Date(began_at.getTime() + FAMILY_LIFE_MS);
    await this.#refresh.add({
      _id: digestOf(refresh_token),
      family,
      account: account._id,
      began_at,
      expires_at,
    });
    const scope = SCOPES_OF_ROLE[account.role].join(' ');
    return { ...(await this.#access.ofAccount(account)), refresh_token, scope };
  }
}
