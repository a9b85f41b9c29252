import { SECOND } from '../../../shared/runtime/duration.ts';
import {
  StoreTimeout,
  countAll,
  type Balance,
  type Books,
  type Notifications,
} from '../../../shared/store/index.ts';
import { SharedFigure } from './shared-figure.ts';

/** Status counts that nobody has kept for so long, in milliseconds, are old: no scheduler runs. */
const STALE_AFTER_MS = 30 * SECOND;
/** How long MongoDB may count, in milliseconds; shorter than a caller waits for an answer. */
const COUNT_WITHIN_MS = 2 * SECOND;

/** Counts, and since when no scheduler has kept them; null while one does. */
export type CurrentCounts = Balance & { staleSince: Date | null };

/**
 * The status counts as the scheduler keeps them. Where no scheduler does, all records are counted, for all callers together and within
 * two seconds; where that is too short, the newest counts are answered that there are.
 */
export class CountsReader {
  readonly #books: Pick<Books, 'read'>;
  readonly #counted: SharedFigure<Balance>;

  constructor({ books, notifications }: { books: Pick<Books, 'read'>; notifications: Notifications }) {
    this.#books = books;
    this.#counted = new SharedFigure(() => countAll(notifications, COUNT_WITHIN_MS));
  }

  /** @throws StoreTimeout when there are no counts at all and they cannot be made in time. */
  async read(): Promise<CurrentCounts> {
    const kept = await this.#books.read();
    if (kept && Date.now() - kept.asOf.getTime() < STALE_AFTER_MS) return { ...kept, staleSince: null };
    const counted = await this.#counted.read().catch((thrown: unknown) => {
      if (kept) return kept;
      throw new StoreTimeout('The notifications could not be counted in time. Start a scheduler.', {
        cause: thrown,
      });
    });
    const newest = kept && kept.asOf > counted.asOf ? kept : counted;
    return { ...newest, staleSince: kept?.asOf ?? counted.asOf };
  }
}
