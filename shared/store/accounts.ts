import type { Collection, Db } from 'mongodb';
import type { Account, Role } from '../contracts/index.ts';
import { bounded } from './bounded.ts';
import { insertNew } from './duplicate.ts';

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
  add(account: Account): Promise<boolean> {
    return insertNew(this.#accounts, account);
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

  /** Changes a role; takes effect with the next request. False when there is no such account. */
  async setRole(name: string, role: Role): Promise<boolean> {
    return (await this.#accounts.updateOne({ _id: name }, { $set: { role } })).matchedCount > 0;
  }

  /** Makes sure that there is such an account, that it is open, and an admin's. */
  async makeAdmin(name: string, created_by: string): Promise<void> {
    await this.#accounts.updateOne(
      { _id: name },
      {
        $set: { role: 'admin' },
        $unset: { disabled_at: true as const },
        $setOnInsert: { created_at: new Date(), created_by },
      },
      { upsert: true },
    );
  }

  /** Closes an account, or opens it again. False when there is no such account. */
  async setDisabled(name: string, isDisabled: boolean): Promise<boolean> {
    const change = isDisabled
      ? { $set: { disabled_at: new Date() } }
      : { $unset: { disabled_at: true as const } };
    return (await this.#accounts.updateOne({ _id: name }, change)).matchedCount > 0;
  }
}
