import type { Account } from '../../../shared/contracts/index.ts';
import type { Config } from '../../../shared/runtime/config.ts';
import { limitKeyOf } from '../access/address.ts';
import { Comparisons } from './comparisons.ts';
import { Accounts, RefreshTokens, type Store } from '../../../shared/store/index.ts';
import { SignInLimits } from './limits.ts';
import { SignInLinks } from './links.ts';
import { hashPassword, isPassword } from './passwords.ts';
import { Sessions } from './sessions.ts';

/** How people sign in: their accounts, their sessions, and links that work once. */
export class SignIn {
  readonly accounts: Accounts;
  readonly sessions: Sessions;
  readonly links: SignInLinks;
  readonly #refresh: RefreshTokens;
  readonly #limits: SignInLimits;
  readonly #comparing = new Comparisons();

  constructor({ db }: Pick<Store, 'db'>, { PUBLIC_URL }: Pick<Config, 'PUBLIC_URL'>) {
    this.accounts = new Accounts(db);
    this.sessions = new Sessions(db, PUBLIC_URL?.startsWith('https:') === true);
    this.links = new SignInLinks(db);
    this.#refresh = new RefreshTokens(db);
    this.#limits = new SignInLimits(db);
  }

  /**
   * The account whose password that is, as it was compared; undefined for anything else. `address` is where the attempt comes from.
   * @throws Problem after too many attempts, or while too many wait to be compared.
   */
  async verified(name: string, password: string, address: string): Promise<Account | undefined> {
    const from = limitKeyOf(address);
    await this.#limits.count(name, from);
    const account = await this.accounts.active(name);
    const isRight = await this.#comparing.run(() => isPassword(password, account?.password_hash));
    if (!isRight) return undefined;
    await this.#limits.forget(name, from);
    return account;
  }

  /** Whether that is the name's password. */
  async isRight(name: string, password: string, address: string): Promise<boolean> {
    return (await this.verified(name, password, address)) !== undefined;
  }

  /** Sets a password. Whoever was signed in with the old one, or holds a link, is out; all but the given session. */
  async setPassword(
    name: string,
    password: string,
    but: Parameters<Sessions['endOthers']>[1],
  ): Promise<void> {
    await this.accounts.setPasswordHash(name, await hashPassword(password));
    await this.links.endAll(name);
    await this.#refresh.endAll(name);
    await this.sessions.endOthers(name, but);
  }

  /** Closes an account: nobody is signed in with it any more, nor can be. False when there is none. */
  async disable(name: string): Promise<boolean> {
    const isThere = await this.accounts.setDisabled(name, true);
    await this.links.endAll(name);
    await this.#refresh.endAll(name);
    await this.sessions.endAll(name);
    return isThere;
  }
}
