import type { Collection, Db } from 'mongodb';
import type { Erasure } from '../contracts/index.ts';
import { SECOND } from '../runtime/duration.ts';
import { bounded } from './bounded.ts';
import type { BulkActs } from './bulk-acts.ts';
import type { Notifications } from './notifications/collection.ts';
import { erasePerson } from './notifications/erase.ts';
import type { Suppressions } from './suppressions.ts';

/** Unfinished ones that one pass looks at. */
const PASS_LIMIT = 100;

/**
 * What was accepted before the order may get into the store so much later, in milliseconds: a write takes 25 s at most, and clocks of producers
 * differ a little.
 */
const SETTLED_AFTER_MS = 30 * SECOND;

/** An erasure that still knows whom it is about. */
export type OpenErasure = Erasure & { user_id: string };

/** The orders to erase somebody, and their receipts. */
export class Erasures {
  readonly #erasures: Collection<Erasure>;
  /** The order that was last given out by `inTurn`. */
  #after = '';

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

  /**
   * Unfinished orders, each once, a hundred at most: those behind the one that was given out last, then those before it. So a pass that ends
   * early is gone on with by the next one.
   */
  async *inTurn(): AsyncGenerator<OpenErasure> {
    const last = this.#after;
    const behind = await this.#unfinished({ $gt: last }, PASS_LIMIT);
    const before = await this.#unfinished({ $lte: last }, PASS_LIMIT - behind.length);
    for (const order of [...behind, ...before]) {
      this.#after = order._id;
      yield order;
    }
  }

  async #unfinished(ids: { $gt: string } | { $lte: string }, limit: number): Promise<OpenErasure[]> {
    // A limit of zero would be none.
    if (limit === 0) return [];
    const unfinished = { _id: ids, user_id: { $exists: true } };
    return (await this.#erasures.find(unfinished).sort({ _id: 1 }).limit(limit).toArray()) as OpenErasure[];
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

/** What an erasure works on. */
export interface ErasureStores {
  notifications: Notifications;
  acts: BulkActs;
  erasures: Erasures;
  suppressions: Suppressions;
  retentionDays: number;
}

/**
 * One pass of an erasure, of `withinMs` about; answers it as it is then. What is just being sent is left for a later pass, and so is what may
 * still be on its way into the store.
 */
export async function carryOutErasure(
  { notifications, acts, erasures, suppressions, retentionDays }: ErasureStores,
  order: OpenErasure,
  withinMs: number,
): Promise<Erasure> {
  const endBy = Date.now() + withinMs;
  const { erased, left } = await erasePerson(notifications, order, { retentionDays, endBy });
  // After the records: what comes back later finds nobody there.
  await suppressions.forget(order.user_id);
  const isSettled = Date.now() - order.requested_at.getTime() > SETTLED_AFTER_MS;
  const isFinished = left === 0 && isSettled;
  if (isFinished) await acts.forget(order.user_id);
  return (await erasures.report(order._id, erased, isFinished)) ?? order;
}
