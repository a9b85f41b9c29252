import type { Collection, Db } from 'mongodb';
import type { ApiKeyRecord } from '../contracts/index.ts';
import { bounded } from './bounded.ts';
import { insertNew } from './duplicate.ts';

/** The keys of the API, by the public half of what their holders send. */
export class Keys {
  readonly #keys: Collection<ApiKeyRecord>;

  constructor(db: Db) {
    this.#keys = bounded(db.collection<ApiKeyRecord>('keys'));
  }

  /** Stores a new one; false when there is one of this id. */
  add(key: ApiKeyRecord): Promise<boolean> {
    return insertNew(this.#keys, key);
  }

  /** One, whatever its state. */
  async get(id: string): Promise<ApiKeyRecord | undefined> {
    return (await this.#keys.findOne({ _id: id })) ?? undefined;
  }

  /** All, newest first. */
  all(): Promise<ApiKeyRecord[]> {
    return this.#keys.find().sort({ created_at: -1, _id: 1 }).toArray();
  }

  /**
   * Gives one another secret; the one before it opens until then. `seen`: only if it was last rotated then, or never (null). Undefined where
   * there is none, or it was revoked, or rotated since.
   */
  async rotate(
    id: string,
    { digest, until, seen }: { digest: string; until: Date; seen?: Date | null | undefined },
  ): Promise<ApiKeyRecord | undefined> {
    const asSeen = seen === undefined ? {} : { rotated_at: seen ?? { $exists: false } };
    const rotated = await this.#keys.findOneAndUpdate(
      { ...open(id), ...asSeen, expires_at: { $not: { $lte: new Date() } } },
      [
        {
          $set: { previous: { digest: '$digest', until }, digest: { $literal: digest }, rotated_at: '$$NOW' },
        },
      ],
      { returnDocument: 'after' },
    );
    return rotated ?? undefined;
  }

  /** Ends one for good. Undefined where there is none, or it was revoked before. */
  async revoke(id: string): Promise<ApiKeyRecord | undefined> {
    const revoked = await this.#keys.findOneAndUpdate(
      open(id),
      [{ $set: { revoked_at: '$$NOW' } }, { $unset: ['previous'] }],
      { returnDocument: 'after' },
    );
    return revoked ?? undefined;
  }

  /** Notes that one was used. */
  async noteUse(id: string, at: Date): Promise<void> {
    await this.#keys.updateOne({ _id: id }, { $max: { last_used_at: at } });
  }
}

function open(id: string): { _id: string; revoked_at: { $exists: false } } {
  return { _id: id, revoked_at: { $exists: false } };
}
