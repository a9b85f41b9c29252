import { MongoServerError, type Collection, type Db, type Timestamp } from 'mongodb';
import { MINUTE, SECOND } from '../../runtime/duration.ts';
import { bounded } from '../bounded.ts';
import { addRows, countSlice, type Counts } from './counting.ts';

/** A count on its way: what the records up to an id were at one moment. The next step goes on from here, in whichever process. */
interface CountDocument {
  _id: 'recount';
  /** The moment; absent while no count is on its way. */
  at?: Timestamp;
  /** The same by the clock of who began. */
  as_of?: Date;
  /** The greatest id that was counted. */
  after?: string;
  counts?: Counts;
  ambiguous?: number;
  /** Steps that failed one after the other, and when the next one may be. */
  failures?: number;
  not_before?: Date;
}

/** A count that is on its way. */
type Progress = Required<Pick<CountDocument, 'after' | 'counts' | 'ambiguous' | 'as_of'>> &
  Pick<CountDocument, 'at'>;

/** What all records were at one moment. */
export interface Counted {
  counts: Counts;
  ambiguous: number;
  asOf: Date;
  at: Timestamp;
}

/** How records are counted. */
export interface RecountOptions {
  /** Records of one call at first: some milliseconds' work, or a second's where records carry large files. */
  slice?: number;
  /** How long a step goes on with further slices, in milliseconds. */
  stepMs?: number;
  now?: () => number;
}

const SLICE = 2_000;
const STEP_MS = 2 * SECOND;
/** How long one slice may take, in milliseconds; far less than the silence that the driver takes for a dead server. */
const SLICE_WITHIN_MS = 4 * SECOND;
/** Pauses after steps that failed: one second, doubled each time, up to ten minutes. */
const FIRST_PAUSE_MS = SECOND;
const LONGEST_PAUSE_MS = 10 * MINUTE;

/** MongoDB's codes for a moment that it no longer keeps, and for a call that took too long. */
const MOMENT_GONE = [239, 246];
const TOOK_TOO_LONG = 50;

/**
 * Counts all records as of one moment, step by step. Each step reads some slices, and notes how far it came. MongoDB keeps a moment for
 * `minSnapshotHistoryWindowInSeconds`, five minutes unless told otherwise: enough for some fifty million records.
 */
export class Recount {
  readonly #db: Db;
  readonly #collection: string;
  readonly #state: Collection<CountDocument>;
  readonly #stepMs: number;
  readonly #now: () => number;
  /** Grows smaller where a slice takes too long. */
  #slice: number;

  constructor(
    db: Db,
    collection: string,
    { slice = SLICE, stepMs = STEP_MS, now = Date.now }: RecountOptions = {},
  ) {
    this.#db = db;
    this.#collection = collection;
    this.#state = bounded(db.collection<CountDocument>('books'));
    this.#slice = slice;
    this.#stepMs = stepMs;
    this.#now = now;
  }

  /**
   * Goes on with the count, or begins one; answers it once it is complete, and undefined before. After a failure it does nothing until the
   * pause is over, unless told to.
   * @throws what the step failed with.
   */
  async step({ isUrgent = false, stepMs = this.#stepMs } = {}): Promise<Counted | undefined> {
    const found = await this.#state.findOne({ _id: 'recount' });
    if (!isUrgent && found?.not_before && found.not_before.getTime() > this.#now()) return undefined;
    try {
      return await this.#goOn(found, stepMs);
    } catch (thrown) {
      await this.#noteFailure(found?.failures ?? 0, thrown);
      throw isCode(thrown, MOMENT_GONE) ? tooLarge(thrown) : thrown;
    }
  }

  async #goOn(found: CountDocument | null, stepMs: number): Promise<Counted | undefined> {
    const endBy = performance.now() + stepMs;
    let progress = progressOf(found, this.#now());
    for (;;) {
      const { progress: next, isComplete } = await this.#countSlice(progress);
      progress = next;
      if (isComplete || performance.now() >= endBy) {
        await this.#state.replaceOne({ _id: 'recount' }, isComplete ? {} : progress, { upsert: true });
        return isComplete && progress.at ? countedOf(progress, progress.at) : undefined;
      }
    }
  }

  async #countSlice(progress: Progress): Promise<{ progress: Progress; isComplete: boolean }> {
    try {
      const which = { ...progress, limit: this.#slice, withinMs: SLICE_WITHIN_MS };
      const { rows, last, at } = await countSlice(this.#db, this.#collection, which);
      if (last === undefined) return { progress: { ...progress, at }, isComplete: true };
      const { counts, ambiguous } = addRows(progress, rows);
      return { progress: { ...progress, counts, ambiguous, at, after: last }, isComplete: false };
    } catch (thrown) {
      if (!isCode(thrown, [TOOK_TOO_LONG]) || this.#slice === 1) throw thrown;
      this.#slice = Math.ceil(this.#slice / 2);
      return { progress, isComplete: false };
    }
  }

  async #noteFailure(failures: number, thrown: unknown): Promise<void> {
    const pauseMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** failures);
    const note = { failures: failures + 1, not_before: new Date(this.#now() + pauseMs) };
    const begin = isCode(thrown, MOMENT_GONE) && {
      $unset: { at: '', as_of: '', after: '', counts: '', ambiguous: '' } as const,
    };
    // Where the store is away, nothing can be noted, and nothing is asked of it either.
    await this.#state
      .updateOne({ _id: 'recount' }, { $set: note, ...begin }, { upsert: true })
      .catch(() => undefined);
  }
}

function progressOf(found: CountDocument | null, now: number): Progress {
  const { at, after = '', counts = {}, ambiguous = 0, as_of = new Date(now) } = found ?? {};
  return at
    ? { at, after, counts, ambiguous, as_of }
    : { after: '', counts: {}, ambiguous: 0, as_of: new Date(now) };
}

function countedOf({ counts, ambiguous, as_of: asOf }: Progress, at: Timestamp): Counted {
  return { counts, ambiguous, asOf, at };
}

function isCode(thrown: unknown, codes: readonly number[]): boolean {
  return thrown instanceof MongoServerError && codes.includes(Number(thrown.code));
}

function tooLarge(cause: unknown): Error {
  return new Error(
    'MongoDB no longer keeps the moment that the records are counted as of. If this repeats, raise its parameter minSnapshotHistoryWindowInSeconds.',
    { cause },
  );
}
