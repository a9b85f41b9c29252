import type { Collection, Db } from 'mongodb';
import type { Notification, QuarantineView } from '../contracts/index.ts';
import { SECOND } from '../runtime/duration.ts';
import type { Logger } from '../runtime/logger.ts';
import { bounded } from './bounded.ts';
import { isDuplicate } from './duplicate.ts';
import type { Result } from './notifications/record.ts';

/** A quarantined record, as it is stored: `_id` is the notification's. */
export interface Quarantined extends Pick<
  QuarantineView,
  'type' | 'lane' | 'status' | 'operation' | 'code' | 'reason'
> {
  _id: string;
  since: Date;
  /** The result that could not be recorded. */
  result?: Result;
  discarded_at?: Date;
}

/** What was to be written, and why MongoDB refused it. */
export type Refused = Pick<Quarantined, 'operation' | 'code' | 'reason' | 'result'>;

/**
 * Records in quarantine at most. When MongoDB refuses more, the fault is the server's or ours and not the records': then the write that was
 * refused fails, and its caller waits as it does while MongoDB is away.
 */
const MAX_QUARANTINED = 1_000;
/** For so long a process believes what it read of the quarantine, in milliseconds. */
const KNOWN_FOR_MS = 5 * SECOND;

/** More records are refused than the quarantine takes. */
export class QuarantineFull extends Error {
  override readonly name = 'QuarantineFull';
}

/** The records that MongoDB refuses to write, in a collection of their own. */
export class Quarantine {
  readonly #entries: Collection<Quarantined>;
  readonly #records: Collection<Notification>;
  readonly #log: Logger;
  #known: ReadonlySet<string> = new Set();
  #readAt = -Infinity;

  constructor(db: Db, log: Logger) {
    this.#log = log;
    this.#entries = bounded(db.collection<Quarantined>('quarantine'));
    this.#records = bounded(db.collection<Notification>('notifications'));
  }

  /**
   * Quarantines a record. One that is there already stays as it is, but for a result that nobody knew: without it, a retry would send again.
   * @throws QuarantineFull
   */
  async add(id: string, refused: Refused): Promise<void> {
    const projection = { type: 1, lane: 1, status: 1 } as const;
    const record = await this.#records.findOne({ _id: id }, { projection });
    // Deleted meanwhile: nothing is left to write.
    if (!record) return;
    if (!(await this.#entries.findOne({ _id: id }, { projection: { _id: 1 } })))
      await this.#checkRoom(refused);
    const { type, lane, status } = record;
    const entry: Quarantined = { _id: id, type, lane, status, since: new Date(), ...refused };
    await this.#insert(entry);
    this.#known = new Set([...this.#known, id]);
  }

  /** What a person gave up does not count. @throws QuarantineFull */
  async #checkRoom({ reason }: Refused): Promise<void> {
    const open = { discarded_at: { $exists: false } };
    if ((await this.#entries.countDocuments(open, { limit: MAX_QUARANTINED })) < MAX_QUARANTINED) return;
    throw new QuarantineFull(`${MAX_QUARANTINED} records are in quarantine; MongoDB says: ${reason}`);
  }

  async #insert(entry: Quarantined): Promise<void> {
    const { _id: id, operation, code, reason } = entry;
    try {
      await this.#entries.insertOne(entry);
      this.#log.error('MongoDB refuses to write a record: it is in quarantine', {
        id,
        operation,
        code,
        reason,
      });
    } catch (thrown) {
      if (!isDuplicate(thrown)) throw thrown;
      const { result } = entry;
      if (!result) return;
      const unknown = { _id: id, result: { $exists: false } };
      await this.#entries.updateOne(unknown, { $set: { operation, code, reason, result } });
    }
  }

  /** The ids of all quarantined records, at most five seconds old. */
  async ids(): Promise<ReadonlySet<string>> {
    if (Date.now() - this.#readAt > KNOWN_FOR_MS) await this.#read();
    return this.#known;
  }

  /** Those of the ids that are quarantined now. Costs nothing while none of them was five seconds ago. */
  async among(ids: readonly string[]): Promise<ReadonlySet<string>> {
    const known = await this.ids();
    if (known.size === 0 || !ids.some((id) => known.has(id))) return new Set();
    await this.#read();
    return new Set(ids.filter((id) => this.#known.has(id)));
  }

  /** Whether this process knows a record to be quarantined. */
  has(id: string): boolean {
    return this.#known.has(id);
  }

  /** One entry, where the record is quarantined. */
  async get(id: string): Promise<Quarantined | undefined> {
    return (await this.#entries.findOne({ _id: id })) ?? undefined;
  }

  /** All entries, newest first. */
  list(): Promise<Quarantined[]> {
    return this.#entries
      .find({}, { projection: { 'result.set': 0 } })
      .sort({ since: -1 })
      .toArray();
  }

  /** Notes why another try was refused. */
  async update(id: string, { code, reason }: Pick<Refused, 'code' | 'reason'>): Promise<void> {
    await this.#entries.updateOne({ _id: id }, { $set: { code, reason } });
  }

  /** Notes that a person gave the record up, which itself cannot say so. */
  async markDiscarded(id: string): Promise<void> {
    await this.#entries.updateOne({ _id: id }, { $set: { discarded_at: new Date() } });
  }

  /** The ids of records that were discarded before a time and could not say so themselves. */
  discardedBefore(time: Date): Promise<string[]> {
    const found = this.#entries.find({ discarded_at: { $lt: time } }, { projection: { _id: 1 } });
    return found.map(({ _id }) => _id).toArray();
  }

  /** Forgets entries: their records can be written again, or are gone. */
  async remove(ids: readonly string[]): Promise<void> {
    await this.#entries.deleteMany({ _id: { $in: [...ids] } });
    this.#readAt = -Infinity;
  }

  async #read(): Promise<void> {
    const found = this.#entries.find({}, { projection: { _id: 1 } });
    this.#known = new Set(await found.map(({ _id }) => _id).toArray());
    this.#readAt = Date.now();
  }
}
