import { createHash } from 'node:crypto';
import type { Collection, Db } from 'mongodb';
import type { Erasure } from '../contracts/index.ts';
import { bounded } from './bounded.ts';
import type { BulkActs } from './bulk-acts.ts';
import type { Notifications } from './notifications/collection.ts';
import { erasePerson } from './notifications/erase.ts';

/** Unfinished ones that one pass looks at. */
const PASS_LIMIT = 100;

/** An erasure that still knows whom it is about. */
export type OpenErasure = Erasure & { user_id: string };

/** The orders to erase somebody, and their receipts. */
export class Erasures {
  readonly #erasures: Collection<Erasure>;

  constructor(db: Db) {
    this.#erasures = bounded(db.collection<Erasure>('erasures'));
  }

  /** Stores an order. */
  async add(order: OpenErasure): Promise<void> {
    await this.#erasures.insertOne(order);
  }

  /** One. */
  async get(id: string): Promise<Erasure | undefined> {
    return (await this.#erasures.findOne({ _id: id })) ?? undefined;
  }

  /** Those that are not finished. */
  async unfinished(): Promise<OpenErasure[]> {
    const found = await this.#erasures
      .find({ user_id: { $exists: true } })
      .limit(PASS_LIMIT)
      .toArray();
    return found as OpenErasure[];
  }

  /** Counts what was erased; with nothing left, the order forgets whom it was about. */
  async report(id: string, erased: number, isFinished: boolean): Promise<Erasure | undefined> {
    const after = await this.#erasures.findOneAndUpdate(
      { _id: id },
      {
        $inc: { erased },
        ...(isFinished && { $set: { finished_at: new Date() }, $unset: { user_id: true } }),
      },
      { returnDocument: 'after' },
    );
    return after ?? undefined;
  }
}

/** Whom something is about, for whoever knows the id already. */
export function digestOfUser(userId: string): string {
  return createHash('sha256').update(userId).digest('base64url');
}

/** One pass of an erasure; answers it as it is then. What is just being sent is left for a later pass. */
export async function carryOutErasure(
  stores: { notifications: Notifications; acts: BulkActs; erasures: Erasures; retentionDays: number },
  order: OpenErasure,
): Promise<Erasure> {
  const { erased, left } = await erasePerson(stores.notifications, order, stores.retentionDays);
  if (left === 0) await stores.acts.forget(order.user_id);
  return (await stores.erasures.report(order._id, erased, left === 0)) ?? order;
}
