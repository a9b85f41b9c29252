import { MongoServerError, type Collection, type Db } from 'mongodb';

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
    this.#collection = db.collection('locks');
  }

  /** Takes or prolongs a lease; false while somebody else holds it. */
  async take(name: string, holder: string, ms: number): Promise<boolean> {
    const free = { $or: [{ holder }, { $expr: { $lt: ['$until', '$$NOW'] } }] };
    try {
      const result = await this.#collection.updateOne(
        { _id: name, ...free },
        [{ $set: { holder, until: { $add: ['$$NOW', ms] } } }],
        { upsert: true },
      );
      return result.matchedCount + result.upsertedCount > 0;
    } catch (error) {
      // The upsert meets the document that somebody else holds.
      if (error instanceof MongoServerError && error.code === 11000) return false;
      throw error;
    }
  }

  /** Gives the lease back. */
  async release(name: string, holder: string): Promise<void> {
    await this.#collection.deleteOne({ _id: name, holder });
  }
}
