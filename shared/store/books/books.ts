import { MongoServerError, Timestamp, type Collection, type Db } from 'mongodb';
import { HOUR } from '../../runtime/duration.ts';
import { bounded } from '../bounded.ts';
import { notificationsOf, type Notifications } from '../notifications/collection.ts';
import { COUNTING, balanceOf, withoutZeros, type Balance, type Counts, type Row } from './counting.ts';
import { openJournal, readPage, sumOf, type Entry, type Place } from './journal.ts';

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
/** The label of an error after which the same place can be opened again. */
const COMES_BACK = 'ResumableChangeStreamError';

/**
 * The counts by channel and status, kept by reading MongoDB's own journal of changes. Whoever changes a record need not think of them, they
 * cost nothing where notifications are handed over, and a page costs the same with a thousand records as with a million. Each page moves
 * the counts and the place in the journal in one write, so that nothing counts twice or is left out, whoever dies when.
 */
export class Books {
  readonly #db: Db;
  readonly #books: Collection<BooksDocument>;
  readonly #notifications: Notifications;

  constructor(db: Db) {
    this.#db = db;
    this.#books = bounded(db.collection<BooksDocument>('books'));
    this.#notifications = notificationsOf(db);
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
    if (!books || Date.now() - books.counted_at.getTime() > RECOUNT_AFTER_MS) {
      await this.recount();
      return 0;
    }
    try {
      return await this.#takeIn(books);
    } catch (thrown) {
      // The journal does not reach back so far, or the place in it is none.
      const isRefused = thrown instanceof MongoServerError && !thrown.hasErrorLabel(COMES_BACK);
      if (!isRefused) throw thrown;
      await this.recount();
      return 0;
    }
  }

  /** Counts all records as of one moment, and begins the books anew from there. */
  async recount(): Promise<Balance> {
    const asOf = new Date();
    const { rows, at } = await this.#countAt();
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

  async #countAt(): Promise<{ rows: Row[]; at: Timestamp }> {
    const answer = await this.#db.command({
      aggregate: this.#notifications.collectionName,
      pipeline: COUNTING,
      cursor: { batchSize: 1_000 },
      readConcern: { level: 'snapshot' },
    });
    const { firstBatch, atClusterTime } = answer.cursor as { firstBatch: Row[]; atClusterTime: Timestamp };
    return { rows: firstBatch, at: atClusterTime };
  }

  async #takeIn(books: BooksDocument): Promise<number> {
    const stream = openJournal(this.#notifications, books);
    let current = books;
    let taken = 0;
    try {
      for (;;) {
        const asOf = new Date();
        const { entries, isEnd } = await readPage(stream);
        const place = { token: stream.resumeToken, ...(isEnd && { as_of: asOf }) };
        const next = await this.#write(current, entries, place);
        taken += entries.length;
        // Somebody else keeps them just now.
        if (!next || isEnd) return taken;
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
    place: { token: unknown; as_of?: Date },
  ): Promise<BooksDocument | undefined> {
    const written = await this.#books.findOneAndUpdate(
      { _id: 'balance', page },
      { $inc: { ...sumOf(entries), page: 1 }, $set: place, $unset: { from: '' } },
      { returnDocument: 'after' },
    );
    return written ?? undefined;
  }
}
