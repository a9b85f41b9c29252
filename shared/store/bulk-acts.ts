import type { Collection, Db } from 'mongodb';
import type { BulkAct } from '../contracts/index.ts';
import { MINUTE } from '../runtime/duration.ts';
import { bounded } from './bounded.ts';
import { insertNew } from './duplicate.ts';
import { ERASED_USER } from './notifications/erase.ts';

/** An act that came no step further for so long has lost its process: each step is a few calls that end within 25 s. Milliseconds. */
const LOST_AFTER_MS = 2 * MINUTE;
/** Acts that are listed. */
const LATEST = 10;

/** The acts on many dead letters: who did what, when and why. Kept for a quarter of a year. */
export class BulkActs {
  readonly #acts: Collection<BulkAct>;

  constructor(db: Db) {
    this.#acts = bounded(db.collection<BulkAct>('bulk_acts'));
  }

  /** Notes that it begins; false when it had begun before. */
  begin(act: BulkAct): Promise<boolean> {
    return insertNew(this.#acts, act);
  }

  /** Notes how far it has come; answers whether it is to go on. */
  async report(id: string, changed: number): Promise<boolean> {
    const act = await this.#acts.findOneAndUpdate({ _id: id }, { $set: { changed, beat_at: new Date() } });
    return act?.abort_wanted !== true;
  }

  /** Notes how it ended. */
  async end(id: string, outcome: NonNullable<BulkAct['outcome']>, error?: string): Promise<void> {
    const ended = { outcome, ended_at: new Date(), ...(error !== undefined && { error }) };
    await this.#acts.updateOne({ _id: id }, { $set: ended });
  }

  /** Asks a running one to stop after its next step; false when there is none. */
  async wantAbort(id: string): Promise<boolean> {
    const asked = { $set: { abort_wanted: true as const } };
    return (await this.#acts.updateOne({ _id: id, outcome: { $exists: false } }, asked)).matchedCount > 0;
  }

  /** One act. What lost its process counts as interrupted. */
  async get(id: string): Promise<BulkAct | undefined> {
    const act = await this.#acts.findOne({ _id: id });
    return act ? withLoss(act) : undefined;
  }

  /** Takes a person out of the filters of what was done. */
  async forget(userId: string): Promise<void> {
    await this.#acts.updateMany({ 'filter.user_id': userId }, { $set: { 'filter.user_id': ERASED_USER } });
  }

  /** The last ones, newest first. */
  async latest(): Promise<BulkAct[]> {
    return (await this.#acts.find().sort({ started_at: -1 }).limit(LATEST).toArray()).map(withLoss);
  }
}

function withLoss(act: BulkAct): BulkAct {
  const isLost = act.outcome === undefined && Date.now() - act.beat_at.getTime() > LOST_AFTER_MS;
  return isLost ? { ...act, outcome: 'interrupted', ended_at: act.beat_at } : act;
}
