import { Timestamp, type Collection, type Db } from 'mongodb';
import { HOUR, SECOND } from '../../runtime/duration.ts';
import { bounded } from '../bounded.ts';
import { notificationsOf, type Notifications } from '../notifications/collection.ts';
import { withoutZeros, type Balance, type Counts } from './counting.ts';
import { RatesLog } from './rates.ts';
import { Recount, type Counted, type RecountOptions } from './recount.ts';
import { JournalLost, openJournal, readPage, sumOf, type Entry, type Place } from './journal.ts';

/** The one document of the books, with the place in the journal where the next page begins. */
interface BooksDocument extends Place {
  _id: 'balance';
  counts: Counts;
  ambiguous: number;
  as_of: Date;
  /** When all records were last counted. */
  counted_at: Date;
  /** When the last change happened that was taken in. */
  last_at?: Date;
  /** Up to when the rates have what happened: after a count the journal is read again from its moment on. */
  rated_until?: Date;
  /** Grows with each page, so that of two who keep the books only one writes a page. */
  page: number;
}

/** All records are counted anew after so long, in milliseconds: no mistake in the books outlives it for long. */
const RECOUNT_AFTER_MS = HOUR;
/** How long a pass goes on at most, in milliseconds. */
const PASS_MS = 3 * SECOND;

/**
 * The counts by channel and status, kept by reading MongoDB's own journal of changes. Whoever changes a record need not think of them, they
 * cost nothing where notifications are handed over, and a page costs the same with a thousand records as with a million. Each page moves
 * the counts and the place in the journal in one write, so that nothing counts twice or is left out, whoever dies when.
 */
export class Books {
  readonly #books: Collection<BooksDocument>;
  readonly #notifications: Notifications;
  readonly #rates: RatesLog;
  readonly #recount: Recount;

  constructor(db: Db, options: RecountOptions = {}) {
    this.#books = bounded(db.collection<BooksDocument>('books'));
    this.#notifications = notificationsOf(db);
    this.#rates = new RatesLog(db);
    this.#recount = new Recount(db, this.#notifications.collectionName, options);
  }

  /** The balance; undefined where nobody has opened the books yet. */
  async read(): Promise<Balance | undefined> {
    const found = await this.#books.findOne({ _id: 'balance' });
    if (!found) return undefined;
    return { counts: withoutZeros(found.counts), ambiguous: found.ambiguous, asOf: found.as_of };
  }

  /**
   * Takes in what has changed since the last time; answers how many changes that was. Where there are no books, or their place in the journal
   * is lost, it goes on with a count instead, step by step and with growing pauses after failures.
   */
  async keep(): Promise<number> {
    const books = await this.#books.findOne({ _id: 'balance' });
    if (books && hasPlace(books)) {
      try {
        return await this.#takeIn(books);
      } catch (thrown) {
        if (!(thrown instanceof JournalLost)) throw thrown;
        await this.#books.updateOne({ _id: 'balance' }, { $unset: { token: '', from: '' } });
      }
    }
    await this.#beginAnew(await this.#recount.step());
    return 0;
  }

  /** Counts anew, step by step, if that was not done for an hour; answers whether a count was completed. The books are kept meanwhile. */
  async audit(): Promise<boolean> {
    const books = await this.#books.findOne({ _id: 'balance' });
    // Without a place in the journal `keep` counts.
    if (!books || !hasPlace(books)) return false;
    const isDue = Date.now() - books.counted_at.getTime() >= RECOUNT_AFTER_MS;
    return isDue && (await this.#beginAnew(await this.#recount.step()));
  }

  /** Counts all records at once, however long that takes, and begins the books anew. */
  async recount(): Promise<void> {
    while (!(await this.#beginAnew(await this.#recount.step({ isUrgent: true }))));
  }

  /** Begins the books anew from a complete count; answers whether it was one. */
  async #beginAnew(counted: Counted | undefined): Promise<boolean> {
    if (!counted) return false;
    const { counts, ambiguous, asOf, at } = counted;
    // What is later than the moment of the count is in the journal behind it.
    const from = new Timestamp({ t: at.t, i: at.i + 1 });
    const before = await this.#books.findOne({ _id: 'balance' }, { projection: { last_at: 1 } });
    await this.#books.updateOne(
      { _id: 'balance' },
      {
        $set: {
          counts,
          ambiguous,
          as_of: asOf,
          counted_at: asOf,
          from,
          ...(before?.last_at && { rated_until: before.last_at }),
        },
        $unset: { token: '' },
        $inc: { page: 1 },
      },
      { upsert: true },
    );
    return true;
  }

  /** Up to what had happened when it began, or as far as it gets in its time: changes that never pause must not keep it for ever. */
  async #takeIn(books: BooksDocument): Promise<number> {
    const until = new Date();
    const stream = openJournal(this.#notifications, books);
    let current = books;
    let taken = 0;
    try {
      for (;;) {
        const { entries, asOf } = await readPage(stream, until);
        const next = await this.#write(current, entries, { token: stream.resumeToken, as_of: asOf });
        taken += entries.length;
        const isOver = asOf >= until || Date.now() - until.getTime() > PASS_MS;
        // Without a next, somebody else keeps them just now.
        if (!next || isOver) return taken;
        current = next;
      }
    } finally {
      await stream.close();
    }
  }

  /** Undefined when the books were written by somebody else since. */
  async #write(
    { page, rated_until: ratedUntil = new Date(0) }: BooksDocument,
    entries: readonly Entry[],
    place: { token: unknown; as_of: Date },
  ): Promise<BooksDocument | undefined> {
    const last = entries.at(-1);
    const written = await this.#books.findOneAndUpdate(
      { _id: 'balance', page },
      {
        $inc: { ...sumOf(entries), page: 1 },
        $set: { ...place, ...(last && { last_at: last.wallTime }) },
        $unset: { from: '' },
      },
      { returnDocument: 'after' },
    );
    if (!written) return undefined;
    await this.#rates.add(entries.filter(({ wallTime }) => wallTime > ratedUntil));
    return written;
  }
}

function hasPlace({ token, from }: Place): boolean {
  return token !== undefined || from !== undefined;
}
