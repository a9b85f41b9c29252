import { MongoBulkWriteError, type Collection, type Db } from 'mongodb';
import { TASK_UPDATES_KEPT_MS, type TaskUpdate } from '../contracts/index.ts';
import { pause } from '../runtime/backoff.ts';
import { SECOND } from '../runtime/duration.ts';
import { StoreTimeout, bounded } from './bounded.ts';
import { DUPLICATE_KEY } from './duplicate.ts';
import { INDEXES } from './indexes.ts';

/** An update that has no number yet. */
export type NewTaskUpdate = Omit<TaskUpdate, '_id'>;

/** How long numbers are tried for, in milliseconds: longer than any caller waits for its answer. */
const APPEND_WITHIN_MS = 6 * SECOND;
/** Updates that are removed in one step. */
const REMOVED_AT_ONCE = 1_000;
/** A pass of removing ends after so long, in milliseconds; the next one goes on. */
const REMOVE_WITHIN_MS = 8 * SECOND;
/** Who lost a number to another producer waits so long at most, at random; milliseconds. About what a write takes. */
const AGAIN_WITHIN_MS = 8;

/**
 * The updates of tasks in one order that never changes behind a reader. Ids by a clock would not do: of two producers the later one may
 * become visible first, and whoever has read that would never see the other. So a number is taken only behind one that the majority has:
 * who has read up to n has all up to n, from whichever producer.
 */
export class TaskUpdates {
  readonly #updates: Collection<TaskUpdate>;
  #isIndexed = false;

  constructor(db: Db) {
    this.#updates = bounded(db.collection<TaskUpdate>('task_updates'));
  }

  /**
   * Gives numbers to updates and keeps them. What is there already stays as it is: one notification, one update.
   * @throws StoreTimeout when others take every number; the driver's error when nobody knows what was kept. Repeat it.
   */
  async append(updates: readonly NewTaskUpdate[]): Promise<void> {
    const deadline = performance.now() + APPEND_WITHIN_MS;
    await this.#ensureIndexes();
    let left = updates;
    while (left.length > 0) {
      if (performance.now() > deadline) throw new StoreTimeout('others take every number');
      const before = left.length;
      left = await this.#insertBehind(await this.newest(), left);
      if (left.length === before) await pause(Math.random() * AGAIN_WITHIN_MS);
    }
  }

  /** Updates behind a number, in order. */
  after(id: number, limit: number): Promise<TaskUpdate[]> {
    return this.#updates
      .find({ _id: { $gt: id } })
      .sort({ _id: 1 })
      .limit(limit)
      .toArray();
  }

  /** The number of the newest one; 0 before the first. As `append` needs it: what the majority has. */
  newest(): Promise<number> {
    return this.#newest('majority');
  }

  /** The same, with what the majority may not have yet: a new primary knows at once all that a listener may have got from the old one. */
  newestHere(): Promise<number> {
    return this.#newest('local');
  }

  /**
   * Removes what is over, and never the newest; answers how many. Safe beside others. Producers' clocks differ, so times need not grow with
   * the numbers: only what is before the first one that is not over goes, or a reader would meet holes in the middle.
   */
  async removeOver(now = new Date()): Promise<number> {
    const newest = await this.newest();
    const kept = new Date(now.getTime() - TASK_UPDATES_KEPT_MS);
    const endBy = performance.now() + REMOVE_WITHIN_MS;
    let removed = 0;
    for (;;) {
      const oldest = await this.#oldest();
      const firstKept = oldest.find(({ _id, at }) => at >= kept || _id >= newest)?._id;
      const below = firstKept ?? (oldest.at(-1)?._id ?? 0) + 1;
      removed += (await this.#updates.deleteMany({ _id: { $lt: below } })).deletedCount;
      if (firstKept !== undefined || oldest.length === 0 || performance.now() > endBy) return removed;
    }
  }

  /** A step of removing looks at no more than these. */
  #oldest(): Promise<Pick<TaskUpdate, '_id' | 'at'>[]> {
    return this.#updates
      .find({}, { projection: { at: 1 } })
      .sort({ _id: 1 })
      .limit(REMOVED_AT_ONCE)
      .toArray();
  }

  /** On a new database the very first updates may come before the indexes; a second one of a notification could not be taken back. */
  async #ensureIndexes(): Promise<void> {
    if (this.#isIndexed) return;
    await this.#updates.createIndexes([...INDEXES.task_updates]);
    this.#isIndexed = true;
  }

  async #newest(level: 'majority' | 'local'): Promise<number> {
    const [newest] = await this.#updates
      .find({}, { readConcern: { level }, projection: { _id: 1 } })
      .sort({ _id: -1 })
      .limit(1)
      .toArray();
    return newest?._id ?? 0;
  }

  /** One ordered write; answers those that are still without a number. */
  async #insertBehind(id: number, updates: readonly NewTaskUpdate[]): Promise<readonly NewTaskUpdate[]> {
    const numbered = updates.map((update, index) => ({ _id: id + 1 + index, ...update }));
    try {
      await this.#updates.insertMany(numbered, { ordered: true });
      return [];
    } catch (thrown) {
      const refused = refusalOf(thrown);
      return updates.slice(refused.index + (refused.isKept ? 1 : 0));
    }
  }
}

/** Which one of an ordered write was refused: because it is kept already, or because its number was taken. @throws what is no such refusal. */
function refusalOf(thrown: unknown): { index: number; isKept: boolean } {
  if (!(thrown instanceof MongoBulkWriteError) || thrown.result.getWriteConcernError()) throw thrown;
  const [refused] = [thrown.writeErrors].flat();
  if (refused?.code !== DUPLICATE_KEY) throw thrown;
  return { index: refused.index, isKept: refused.errmsg?.includes('{ notification_id:') === true };
}
