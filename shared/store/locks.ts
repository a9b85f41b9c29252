import type { Collection, Db } from 'mongodb';
import { bounded } from './bounded.ts';

/** A lease on a job that only one scheduler may run at a time. */
interface LockDocument {
  _id: string;
  holder: string;
  until: Date;
}

/** Leases by name, on the database's clock. */
export class Locks {
  readonly #collection: Collection<LockDocument>;

  constructor(db: Db) {
    this.#collection = bounded(db.collection<LockDocument>('locks'));
  }

  /** Takes or prolongs a lease; false while somebody else holds it. */
  async take(name: string, holder: string, ms: number): Promise<boolean> {
    // An upsert may not ask for the database's clock, so the document comes first, held by nobody.
    await this.#collection.updateOne(
      { _id: name },
      { $setOnInsert: { holder: '', until: new Date(0) } },
      { upsert: true },
    );
    const free = { $or: [{ holder }, { $expr: { $lt: ['$until', '$$NOW'] } }] };
    const result = await this.#collection.updateOne({ _id: name, ...free }, [
      { $set: { holder, until: { $add: ['$$NOW', ms] } } },
    ]);
    return result.matchedCount > 0;
  }

  /** Gives the lease back. */
  async release(name: string, holder: string): Promise<void> {
    await this.#collection.deleteOne({ _id: name, holder });
  }
}
