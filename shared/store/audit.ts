import type { Collection, Db, Filter } from 'mongodb';
import type { AuditEntry, AuditQuery } from '../contracts/index.ts';
import { DAY } from '../runtime/duration.ts';
import { toError } from '../runtime/errors.ts';
import { newId } from '../runtime/ids.ts';
import type { Logger } from '../runtime/logger.ts';
import { bounded } from './bounded.ts';

/** What somebody did. */
export type Deed = Pick<AuditEntry, 'actor' | 'act' | 'subject' | 'detail'>;

/** Who did what to which. Lines are added and read; nothing here changes or removes one, and the producer's role in MongoDB cannot. */
export class Audit {
  readonly #entries: Collection<AuditEntry>;
  readonly #keepDays: number;
  readonly #log: Logger;

  constructor(db: Db, { keepDays, log }: { keepDays: number; log: Logger }) {
    this.#entries = bounded(db.collection<AuditEntry>('audit'));
    this.#keepDays = keepDays;
    this.#log = log;
  }

  /**
   * Notes what has just been done, in the store and in the log. Never throws: the deed is done, and what the store does not take is in the
   * log.
   */
  async note(deed: Deed): Promise<void> {
    this.#log.info('audit', { ...deed });
    const at = new Date();
    const delete_at = new Date(at.getTime() + this.#keepDays * DAY);
    try {
      await this.#entries.insertOne({ _id: newId(), at, ...deed, delete_at });
    } catch (thrown) {
      this.#log.error('the store did not take a line of the audit', { ...deed, error: toError(thrown) });
    }
  }

  /** A page, newest first, and where the next one begins. */
  async list({
    cursor,
    limit,
    ...wanted
  }: AuditQuery): Promise<{ entries: AuditEntry[]; nextCursor: string | null }> {
    // The driver leaves out what is undefined.
    const filter = { ...wanted, ...(cursor !== undefined && { _id: { $lt: cursor } }) } as Filter<AuditEntry>;
    const found = await this.#entries
      .find(filter)
      .sort({ _id: -1 })
      .limit(limit + 1)
      .toArray();
    const entries = found.slice(0, limit);
    return { entries, nextCursor: found.length > limit ? (entries.at(-1)?._id ?? null) : null };
  }
}
