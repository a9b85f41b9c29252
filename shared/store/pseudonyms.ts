import { createHmac } from 'node:crypto';
import type { Db } from 'mongodb';
import { sharedSalt } from './signing-keys.ts';

/** A digest of 256 bits. */
const PSEUDONYM = /^[\w-]{43}$/;

/**
 * What the audit and receipts call a person: the same for the same id, and nobody finds the id by trying who has not also the value that it is
 * made with, which lies in the store beside them.
 */
export class Pseudonyms {
  readonly #db: Db;
  #key: Buffer | undefined;

  constructor(db: Db) {
    this.#db = db;
  }

  /** The pseudonym of a person's id. */
  async of(userId: string): Promise<string> {
    this.#key ??= await sharedSalt(this.#db, 'pseudonyms');
    return createHmac('sha256', this.#key).update(userId).digest('base64url');
  }

  /** What the audit is to be asked for, by whoever names a person by the id. */
  async asAudited(subject: string): Promise<string> {
    const { id } = /^user:(?<id>.+)$/.exec(subject)?.groups ?? {};
    return id === undefined || PSEUDONYM.test(id) ? subject : this.subjectOf(id);
  }

  /** How the audit names a person. */
  async subjectOf(userId: string): Promise<string> {
    return `user:${await this.of(userId)}`;
  }
}
