import type { Collection, Db } from 'mongodb';
import { bounded } from './bounded.ts';

/** All refresh tokens that came out of one sign-in: one document, of which each token that is used makes another one. */
export interface TokenFamily {
  _id: string;
  account: string;
  /** Changes with the password: tokens of the one before it end, also those that were being made just then. */
  password_mark: string;
  /** SHA-256 of the one token that works. Any other of the family was used before, and whoever brings it has a copy. */
  current: string;
  /** When the sign-in counts no more. */
  expires_at: Date;
}

/** Refresh tokens, each good for one use. */
export class RefreshTokens {
  readonly #families: Collection<TokenFamily>;

  constructor(db: Db) {
    this.#families = bounded(db.collection<TokenFamily>('refresh_tokens'));
  }

  /** Begins a family. */
  async begin(family: TokenFamily): Promise<void> {
    await this.#families.insertOne(family);
  }

  /** Puts the next token in the place of the one that works, in one write: of two uses at once one finds nothing. */
  async rotate(id: string, current: string, next: string): Promise<TokenFamily | undefined> {
    const filter = { _id: id, current, expires_at: { $gt: new Date() } };
    return (await this.#families.findOneAndUpdate(filter, { $set: { current: next } })) ?? undefined;
  }

  /** Ends a family; answers it as it was. */
  async end(id: string): Promise<TokenFamily | undefined> {
    return (await this.#families.findOneAndDelete({ _id: id })) ?? undefined;
  }

  /** Ends all of an account. */
  async endAll(account: string): Promise<void> {
    await this.#families.deleteMany({ account });
  }
}
