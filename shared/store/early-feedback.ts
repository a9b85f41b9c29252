import type { Collection, Db } from 'mongodb';
import type { Feedback } from '../contracts/index.ts';
import { DAY } from '../runtime/duration.ts';
import { bounded } from './bounded.ts';
import { isDuplicate } from './duplicate.ts';

/** Feedback that came before our own record of the hand-over. */
export type EarlyFeedback = Feedback & { _id: string; delete_at: Date };

/** How long one waits, in milliseconds: a record may be on its ladder for a day, held for three, and lie behind a pause in between. */
const KEPT_MS = 8 * DAY;

/** Kept ones that are looked at in one step. */
const CHUNK = 500;

/** Feedback that waits until its record is where feedback can move it, or for eight days. */
export class EarlyFeedbacks {
  readonly #kept: Collection<EarlyFeedback>;
  /** The last one that `inTurn` gave out. */
  #after = '';

  constructor(db: Db) {
    this.#kept = bounded(db.collection<EarlyFeedback>('feedback'));
  }

  /** Keeps one. Of one hand-over the first word counts, as it does on a record. */
  async keep(feedback: Feedback): Promise<void> {
    const _id = idOf(feedback);
    const kept = { ...feedback, delete_at: new Date(Date.now() + KEPT_MS) };
    try {
      await this.#kept.updateOne({ _id }, { $setOnInsert: kept }, { upsert: true });
    } catch (thrown) {
      // Somebody else kept one just now, and it was first.
      if (!isDuplicate(thrown)) throw thrown;
    }
  }

  /** What was said first of the hand-over that this speaks of: that itself, unless another word is kept. */
  async firstOf(feedback: Feedback): Promise<Feedback> {
    return (await this.#kept.findOne({ _id: idOf(feedback) })) ?? feedback;
  }

  /** All of it, in steps, behind the one that was last given out before somebody stopped asking. */
  async *inTurn(): AsyncGenerator<EarlyFeedback[]> {
    for await (const chunk of this.chunks(this.#after)) {
      this.#after = chunk.at(-1)?._id ?? '';
      yield chunk;
    }
    this.#after = '';
  }

  /** All of it behind an id, in steps. */
  async *chunks(from = ''): AsyncGenerator<EarlyFeedback[]> {
    for (let after = from; ;) {
      const found = await this.#kept
        .find({ _id: { $gt: after } })
        .sort({ _id: 1 })
        .limit(CHUNK)
        .toArray();
      const last = found.at(-1);
      if (!last) return;
      yield found;
      after = last._id;
    }
  }

  /** Forgets one that has been heard. */
  async drop({ _id }: EarlyFeedback): Promise<void> {
    await this.#kept.deleteOne({ _id });
  }
}

function idOf({ notification_id, provider_message_id = '' }: Feedback): string {
  return `${notification_id} ${provider_message_id}`;
}
