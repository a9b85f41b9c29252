import type { Collection, Db } from 'mongodb';
import { bounded } from './bounded.ts';

/** A secret that opens an account: a session of a browser, or a link that works once. What is stored is the secret's digest. */
export interface Opener {
  _id: string;
  account: string;
  /** A session that began with a link: its person may choose a password without the old one, which is lost. */
  by_link?: true;
  created_at: Date;
  /** After it, it opens nothing; MongoDB deletes it. */
  expires_at: Date;
}

/** Secrets of one kind. */
export class Openers {
  readonly #openers: Collection<Opener>;

  constructor(db: Db, kind: 'sessions' | 'sign_in_links') {
    this.#openers = bounded(db.collection<Opener>(kind));
  }

  /** Stores one. */
  async add(opener: Opener): Promise<void> {
    await this.#openers.insertOne(opener);
  }

  /** One that is still valid. */
  async find(digest: string): Promise<Opener | undefined> {
    return (await this.#openers.findOne(valid(digest))) ?? undefined;
  }

  /** Takes one that is still valid away, so that it opens nothing a second time. */
  async take(digest: string): Promise<Opener | undefined> {
    return (await this.#openers.findOneAndDelete(valid(digest))) ?? undefined;
  }

  /** Prolongs one. */
  async prolong(digest: string, expires_at: Date): Promise<void> {
    await this.#openers.updateOne({ _id: digest }, { $set: { expires_at } });
  }

  /** From now on it is a session like any other. */
  async settle(digest: string): Promise<void> {
    await this.#openers.updateOne({ _id: digest }, { $unset: { by_link: '' } });
  }

  /** Ends all of an account, but for one. */
  async endAll(account: string, but = ''): Promise<void> {
    await this.#openers.deleteMany({ account, _id: { $ne: but } });
  }
}

/** The TTL index deletes once a minute only. */
function valid(digest: string): { _id: string; expires_at: { $gt: Date } } {
  return { _id: digest, expires_at: { $gt: new Date() } };
}
