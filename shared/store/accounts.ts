import { MongoServerError, type Collection, type Db } from 'mongodb';
import type { Account, Role } from '../contracts/index.ts';
import { bounded } from './bounded.ts';

const DUPLICATE_KEY = 11000;

/** The people who may sign in, by name. */
export class Accounts {
  readonly #accounts: Collection<Account>;

  constructor(db: Db) {
    this.#accounts = bounded(db.collection<Account>('accounts'));
  }

  /** One that may sign in; undefined where there is none, or it is disabled. */
  async active(name: string): Promise<Account | undefined> {
    return (await this.#accounts.findOne({ _id: name, disabled_at: { $exists: false } })) ?? undefined;
  }

  /** All, by name. */
  all(): Promise<Account[]> {
    return this.#accounts.find().sort({ _id: 1 }).toArray();
  }

  /** Adds one; false when the name is taken. */
  async add(account: Account): Promise<boolean> {
    try {
      await this.#accounts.insertOne(account);
      return true;
    } catch (thrown) {
      if (thrown instanceof MongoServerError && thrown.code === DUPLICATE_KEY) return false;
      throw thrown;
    }
  }

  /** Adds the very first one; answers whether there was none before. Of several that begin at once, all mean the same one. */
  async addFirst(account: Account): Promise<boolean> {
    const isFirst = (await this.#accounts.countDocuments({}, { limit: 1 })) === 0;
    return isFirst && (await this.add(account));
  }

  /** Sets what is stored of a password. */
  async setPasswordHash(name: string, password_hash: string): Promise<void> {
    await this.#accounts.updateOne({ _id: name }, { $set: { password_hash } });
  }

  /** Changes a role; takes effect with the next request. */
  async setRole(name: string, role: Role): Promise<void> {
    await this.#accounts.updateOne({ _id: name }, { $set: { role } });
  }

  /** Closes an account, or opens it again. */
  async setDisabled(name: string, isDisabled: boolean): Promise<void> {
    const change = isDisabled
      ? { $set: { disabled_at: new Date() } }
      : { $unset: { disabled_at: true as const } };
    await this.#accounts.updateOne({ _id: name }, change);
  }
}
