import type { Collection, Db } from 'mongodb';
import { DAY } from '../runtime/duration.ts';
import type { SuppressAfter } from '../verdicts/index.ts';
import { bounded } from './bounded.ts';
import { isDuplicate } from './duplicate.ts';

/** The days on which an address was refused in a way that may pass. */
interface SoftBounce {
  /** The id of the suppression that it may become: channel and digest of the address. */
  _id: string;
  /** Days in UTC, such as 2030-01-31. */
  days: string[];
  delete_at: Date;
}

/** Refusals that are older count no more, in milliseconds. */
const KEPT_MS = 90 * DAY;

/** Counts refusals that may pass, such as a full mailbox. It holds digests and days, and no address. */
export class SoftBounces {
  readonly #bounces: Collection<SoftBounce>;

  constructor(db: Db) {
    this.#bounces = bounded(db.collection<SoftBounce>('soft_bounces'));
  }

  /** Counts a refusal of today, by the database's clock; answers whether the address was refused often enough. */
  async count(id: string, { reports, overDays }: SuppressAfter): Promise<boolean> {
    const days = (await this.#note(id)).toSorted();
    const lasted = Date.parse(days.at(-1) ?? '') - Date.parse(days[0] ?? '');
    return days.length >= reports && lasted >= overDays * DAY;
  }

  /** Forgets an address. */
  async forget(id: string): Promise<void> {
    await this.#bounces.deleteOne({ _id: id });
  }

  async #note(id: string): Promise<string[]> {
    const day = (date: unknown): object => ({ $dateToString: { date, format: '%Y-%m-%d' } });
    const earlier = {
      $filter: {
        input: { $ifNull: ['$days', []] },
        cond: { $gte: ['$$this', day({ $subtract: ['$$NOW', KEPT_MS] })] },
      },
    };
    const noted = {
      days: { $setUnion: [earlier, [day('$$NOW')]] },
      delete_at: { $add: ['$$NOW', KEPT_MS] },
    };
    const update = () =>
      this.#bounces.findOneAndUpdate({ _id: id }, [{ $set: noted }], {
        upsert: true,
        returnDocument: 'after',
      });
    try {
      return (await update())?.days ?? [];
    } catch (thrown) {
      // Another process inserted it at the same time; now it is there.
      if (!isDuplicate(thrown)) throw thrown;
      return (await update())?.days ?? [];
    }
  }
}
