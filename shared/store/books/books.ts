import { Timestamp, type Collection, type Db } from 'mongodb';
import { HOUR, SECOND } from '../../runtime/duration.ts';
import { bounded } from '../bounded.ts';
import { notificationsOf, type Notifications } from '../notifications/collection.ts';
import { balanceOf, countAsOf, withoutZeros, type Balance, type Counts } from './counting.ts';
import { RatesLog } from './rates.ts';
import { JournalLost, openJournal, readPage, sumOf, type Entry, type Place } from './journal.ts';

/** The one document of the books, with the place in the journal where the next page begins. */
interface BooksDocument extends Place {
  _id: 'balance';
  counts: Counts;
  ambiguous: number;
  as_of: Date;
  /** When all records were last counted. */
  counted_at: Date;
  /** Grows with each page, so that of two who keep the books only one writes a page. */
  page: number;
}

/** All records are counted anew after so long, in milliseconds: no mistake in the books outlives it. */
const RECOUNT_AFTER_MS = HOUR;
/** How long a pass goes on at most, in milliseconds. */
const PASS_MS = 3 * SECOND;

/**
 * The counts by channel and status, kept by reading MongoDB's own journal of changes. Whoever changes a record need not think of them, they
 * cost nothing where notifications are handed over, and a page costs the same with a thousand records as with a million. Each page moves
 * the counts and the place in the journal in one write, so that nothing counts twice or is left out, whoever dies when.
 */
export class Books {
  readonly #db: Db;
  readonly #books: Collection<BooksDocument>;
  readonly #notifications: Notifications;
  readonly #rates: RatesLog;
  /** When this process last tried to count, in milliseconds since the epoch. */
  #auditedAt = 0;

  constructor(db: Db) {
    this.#db = db;
    this.#books = bounded(db.collection<BooksDocument>('books'));
    this.#notifications = notificationsOf(db);
    this.#rates = new RatesLog(db);
  }

  /** The balance; undefined where nobody has opened the books yet. */
  async read(): Promise<Balance | undefined> {
    const found = await this.#books.findOne({ _id: 'balance' });
    if (!found) return undefined;
    return { counts: withoutZeros(found.counts), ambiguous: found.ambiguous, asOf: found.as_of };
  }

  /** Takes in what has changed since the last time, or opens the books; answers how many changes that was. */
  async keep(): Promise<number> {
    const books = await this.#books.findOne({ _id: 'balance' });
    if (!books) {
      await this.recount();
      return 0;
    }
    try {
      return await this.#takeIn(books);
    } catch (thrown) {
      if (!(thrown instanceof JournalLost)) throw thrown;
      await this.recount();
      return 0;
    }
  }

  /** Counts anew if that was not done for an hour; answers whether it did. A count that fails is tried again an hour later. */
  async audit(): Promise<boolean> {
    const books = await this.#books.findOne({ _id: 'balance' }, { projection: { counted_at: 1 } });
    const lastAt = Math.max(this.#auditedAt, books?.counted_at.getTime() ?? 0);
    if (Date.now() - lastAt < RECOUNT_AFTER_MS) return false;
    this.#auditedAt = Date.now();
    await this.recount();
    return true;
  }

  /** Counts all records as of one moment, and begins the books anew from there. */
  async recount(): Promise<Balance> {
    const asOf = new Date();
    const { rows, at } = await countAsOf(this.#db, this.#notifications.collectionName);
    const { counts, ambiguous } = balanceOf(rows, asOf);
    // What is later than the moment of the count is in the journal behind it.
    const from = new Timestamp({ t: at.t, i: at.i + 1 });
    await this.#books.updateOne(
      { _id: 'balance' },
      {
        $set: { counts, ambiguous, as_of: asOf, counted_at: asOf, from },
        $unset: { token: '' },
        $inc: { page: 1 },
      },
      { upsert: true },
    );
    return { counts, ambiguous, asOf };
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
    { page }: BooksDocument,
    entries: readonly Entry[],
    place: { token: unknown; as_of: Date },
  ): Promise<BooksDocument | undefined> {
    const written = await this.#books.findOneAndUpdate(
      { _id: 'balance', page },
      { $inc: { ...sumOf(entries), page: 1 }, $set: place, $unset: { from: '' } },
      { returnDocument: 'after' },
    );
    if (!written) return undefined;
    await this.#rates.add(entries);
    return written;
  }
}
