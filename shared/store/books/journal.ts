import {
  MongoServerError,
  type ChangeStream,
  type ChangeStreamDocument,
  type Document,
  type Timestamp,
} from 'mongodb';
import type { Channel, Status } from '../../contracts/index.ts';
import { GONE, type Notifications } from '../notifications/collection.ts';

/** Changes taken into the books in one write. */
const PAGE = 5_000;
/** How long the end of the journal is waited at for more, in milliseconds. */
const AWAIT_MS = 50;

/** The label of an error after which the same place can be opened again. */
const COMES_BACK = 'ResumableChangeStreamError';

/** The journal does not reach back so far, or the place in it is none: all must be counted anew. */
export class JournalLost extends Error {
  override readonly name = 'JournalLost';
}

/** One change as the journal tells it. */
export interface Entry extends Document {
  type?: Channel;
  status?: Status;
  /** Channel, status before and after: see `transitionStage`. */
  moved?: string;
  ambiguous?: number;
  /** When it happened, by the server's clock. */
  wallTime: Date;
}

/** The journal of changes, from a place on. */
export type Journal = ChangeStream<Entry, ChangeStreamDocument<Entry>>;

/** Where in the journal to begin. */
export interface Place {
  token?: unknown;
  from?: Timestamp;
}

/** Opens the journal at a place: behind a token, or at a time. */
export function openJournal(notifications: Notifications, { token, from }: Place): Journal {
  const changed = 'updateDescription.updatedFields';
  const pipeline = [
    {
      $match: {
        $or: [
          { operationType: 'insert' },
          { [`${changed}.moved`]: { $exists: true } },
          { [`${changed}.ambiguous_count`]: { $exists: true } },
        ],
      },
    },
    {
      $project: {
        type: '$fullDocument.type',
        status: '$fullDocument.status',
        moved: `$${changed}.moved`,
        ambiguous: `$${changed}.ambiguous_count`,
        wallTime: 1,
      },
    },
  ];
  const place = token === undefined ? from && { startAtOperationTime: from } : { resumeAfter: token };
  const options = { ...place, batchSize: PAGE, maxAwaitTimeMS: AWAIT_MS };
  return notifications.watch<Entry, ChangeStreamDocument<Entry>>(pipeline, options);
}

/**
 * Reads a page: what the journal holds up to a time, or some of it; answers also the time up to which that is all.
 * @throws JournalLost when it cannot be read from its place on.
 */
export async function readPage(stream: Journal, until: Date): Promise<{ entries: Entry[]; asOf: Date }> {
  const entries: Entry[] = [];
  while (entries.length < PAGE) {
    const entry = await nextOf(stream);
    if (!entry) return { entries, asOf: until };
    entries.push(entry);
    if (entry.wallTime > until) return { entries, asOf: until };
  }
  return { entries, asOf: entries.at(-1)?.wallTime ?? until };
}

async function nextOf(stream: Journal): Promise<Entry | undefined> {
  try {
    return ((await stream.tryNext()) ?? undefined) as Entry | undefined;
  } catch (thrown) {
    const isRefused = thrown instanceof MongoServerError && !thrown.hasErrorLabel(COMES_BACK);
    throw isRefused ? new JournalLost(thrown.message, { cause: thrown }) : thrown;
  }
}

/** What changes add to the counts, as paths and numbers. */
export function sumOf(entries: readonly Entry[]): Record<string, number> {
  const sums: Record<string, number> = {};
  const add = (path: string, count: number): void => {
    sums[path] = (sums[path] ?? 0) + count;
  };
  for (const { type, status, moved, ambiguous } of entries) {
    if (type && status) add(`counts.${type}.${status}`, 1);
    if (moved !== undefined) {
      const [channel = '', from = '', to = '', attempts = ''] = moved.split(' ');
      add(`counts.${channel}.${from}`, -1);
      if (to === GONE) add('ambiguous', -Number(attempts));
      else add(`counts.${channel}.${to}`, 1);
    }
    // Whoever adds to it adds one.
    if (ambiguous !== undefined) add('ambiguous', 1);
  }
  return sums;
}
