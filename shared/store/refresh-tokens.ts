import type { Collection, Db } from 'mongodb';
import { bounded } from './bounded.ts';

/** What a refresh token is stored as. Those that came out of each other are a family. */
export interface RefreshToken {
  /** SHA-256 of the token. */
  _id: string;
  family: string;
  account: string;
  /** Set by its one use. Whoever brings it again has a copy. */
  used_at?: Date;
  /** When its family began, which is what bounds it. */
  began_at: Date;
  expires_at: Date;
}

/** Refresh tokens, each good for one use. */
export class RefreshTokens {
  readonly #tokens: Collection<RefreshToken>;

  constructor(db: Db) {
    this.#tokens = bounded(db.collection<RefreshToken>('refresh_tokens'));
  }

  /** Stores a new one. */
  async add(token: RefreshToken): Promise<void> {
    await this.#tokens.insertOne(token);
  }

  /** Uses one up: answers it as it was before, so that a second use shows; undefined where there is none, or its time is over. */
  async use(digest: string): Promise<RefreshToken | undefined> {
    const filter = { _id: digest, expires_at: { $gt: new Date() } };
    // Conditional in one write: of two uses at once, one sees the other.
    const before = await this.#tokens.findOneAndUpdate(filter, [
      { $set: { used_at: { $ifNull: ['$used_at', '$$NOW'] } } },
    ]);
    return before ?? undefined;
  }

  /** Ends all of a family. */
  async endFamily(family: string): Promise<void> {
    await this.#tokens.deleteMany({ family });
  }

  /** Ends all of an account. */
  async endAll(account: string): Promise<void> {
    await this.#tokens.deleteMany({ account });
  }
}
