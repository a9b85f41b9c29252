import { parse } from 'cookie';
import type { IncomingMessage } from 'node:http';
import type { CookieOptions, Response } from 'express';
import type { Db } from 'mongodb';
import type { Account } from '../../../shared/contracts/index.ts';
import { DAY, HOUR, MINUTE } from '../../../shared/runtime/duration.ts';
import { Accounts, Openers } from '../../../shared/store/index.ts';
import { digestOf, newSecret } from './secrets.ts';

/** A session that nobody uses ends after so long, and any after so long, in milliseconds: a working day, and a week on call. */
const IDLE_MS = 12 * HOUR;
const LIFE_MS = 7 * DAY;
/** How much of its time must be gone before a session is prolonged, so that a page is no write each. Milliseconds. */
const PROLONG_AFTER_MS = 5 * MINUTE;

/** Who is signed in, and whether by a one-time link. */
export interface SignedIn extends Account {
  isByLink: boolean;
}

/** The browsers in which people are signed in. */
export class Sessions {
  readonly #accounts: Accounts;
  readonly #sessions: Openers;
  readonly #cookie: { name: string; options: CookieOptions };

  constructor(db: Db, isHttps: boolean) {
    this.#accounts = new Accounts(db);
    this.#sessions = new Openers(db, 'sessions');
    this.#cookie = {
      // Browsers let only this very host set a name that begins so.
      name: isHttps ? '__Host-tidings' : 'tidings',
      // Lax, not Strict: whoever follows a link from a page or a chat is signed in. What changes something is checked for its origin.
      options: { httpOnly: true, sameSite: 'lax', secure: isHttps, path: '/' },
    };
  }

  /** Signs an account in: answers the secret for its cookie. */
  async begin(account: string, by?: 'link'): Promise<string> {
    const secret = newSecret();
    const now = Date.now();
    await this.#sessions.add({
      _id: digestOf(secret),
      account,
      ...(by && { by_link: true }),
      created_at: new Date(now),
      expires_at: new Date(now + IDLE_MS),
    });
    return secret;
  }

  /** Who sends a request; prolongs the session now and then. */
  async whoIs(request: IncomingMessage): Promise<SignedIn | undefined> {
    const digest = this.#digestOf(request);
    const session = digest === undefined ? undefined : await this.#sessions.find(digest);
    if (!session) return undefined;
    const until = Math.min(Date.now() + IDLE_MS, session.created_at.getTime() + LIFE_MS);
    if (until - session.expires_at.getTime() > PROLONG_AFTER_MS)
      await this.#sessions.prolong(session._id, new Date(until));
    const account = await this.#accounts.active(session.account);
    const isFresh = Date.now() - session.created_at.getTime() < HOUR;
    return account && { ...account, isByLink: session.by_link === true && isFresh };
  }

  /** Gives the browser a session's secret; a session cookie, whose end the server keeps. */
  setCookie(response: Response, secret: string): void {
    response.cookie(this.#cookie.name, secret, this.#cookie.options);
  }

  /** Ends the session of a request, in the store and in the browser. */
  async end(request: IncomingMessage, response: Response): Promise<void> {
    const digest = this.#digestOf(request);
    if (digest !== undefined) await this.#sessions.take(digest);
    response.clearCookie(this.#cookie.name, this.#cookie.options);
  }

  /** Ends all other sessions of the account that sends a request; how this one began counts no more. */
  async endOthers(account: string, request: IncomingMessage): Promise<void> {
    const own = this.#digestOf(request);
    await this.#sessions.endAll(account, own);
    if (own !== undefined) await this.#sessions.settle(own);
  }

  /** Ends all sessions of an account. */
  endAll(account: string): Promise<void> {
    return this.#sessions.endAll(account);
  }

  #digestOf({ headers }: IncomingMessage): string | undefined {
    const secret = parse(headers.cookie ?? '')[this.#cookie.name];
    return secret === undefined ? undefined : digestOf(secret);
  }
}
