import type { Db } from 'mongodb';
import { HOUR } from '../../../shared/runtime/duration.ts';
import { Accounts, Openers } from '../../../shared/store/index.ts';
import { digestOf, newSecret } from './secrets.ts';

/** The account that the first start makes. */
export const FIRST_ACCOUNT = 'operator';
/** How long a link can be used, in milliseconds. */
const LINK_LIFE_MS = 24 * HOUR;

/** Links that sign somebody in once: for the first person, for a new one, and for whoever has lost the password. */
export class SignInLinks {
  readonly #accounts: Accounts;
  readonly #links: Openers;

  constructor(db: Db) {
    this.#accounts = new Accounts(db);
    this.#links = new Openers(db, 'sign_in_links');
  }

  /** Makes the first account, if there is none at all: an admin, who makes the others. */
  async makeFirstAccount(): Promise<void> {
    await this.#accounts.addFirst({
      _id: FIRST_ACCOUNT,
      role: 'admin',
      created_at: new Date(),
      created_by: 'first start',
    });
  }

  /** A new link for an account, from the slash on; the ones before it work no more. */
  async issue(account: string): Promise<string> {
    const secret = newSecret();
    const now = Date.now();
    await this.#links.endAll(account);
    await this.#links.add({
      _id: digestOf(secret),
      account,
      created_at: new Date(now),
      expires_at: new Date(now + LINK_LIFE_MS),
    });
    return `/sign-in/link?secret=${secret}`;
  }

  /** Whose a link is, without using it: programs that look at links must not use it up. */
  async whose(secret: string): Promise<string | undefined> {
    return (await this.#links.find(digestOf(secret)))?.account;
  }

  /** Uses it up; answers whose it was. */
  async use(secret: string): Promise<string | undefined> {
    const link = await this.#links.take(digestOf(secret));
    return link && (await this.#accounts.active(link.account))?._id;
  }

  /** Ends those of an account. */
  endAll(account: string): Promise<void> {
    return this.#links.endAll(account);
  }
}
