import type { Collection, Db, Filter } from 'mongodb';
import { CHANNEL_NAMES, LANES, type Notification, type Status } from '../../contracts/index.ts';
import { DAY } from '../../runtime/duration.ts';
import { silentLogger, type Logger } from '../../runtime/logger.ts';
import { bounded } from '../bounded.ts';
import { literals } from '../literals.ts';
import { Quarantine } from '../quarantine.ts';
import { withTimelineEntry } from './timeline.ts';

/** The collection of records, and the quarantine of those that MongoDB refuses to write. */
export type Notifications = Collection<Notification> & { readonly quarantine: Quarantine };

/** The collection of records of a database; each of its calls comes to an end. `log` hears of each record that is quarantined. */
export function notificationsOf(db: Db, log: Logger = silentLogger): Notifications {
  const collection = bounded(db.collection<Notification>('notifications'));
  return Object.assign(collection, { quarantine: new Quarantine(db, log) });
}

/** For writes to records whose ids are known: without it, MongoDB tries other indexes first, for each of them. */
export const BY_ID = { hint: '_id_' } as const;

/** For records that are listed, or published: nobody there looks at the bytes of their files, and a page of them would be hundreds of megabytes. */
export const WITHOUT_FILES = { 'attachments.content': 0 } as const;

/**
 * With a status, and no queue in particular: the index of states has channel and lane before the id, so it answers in the order of ids only
 * where it is told all of them.
 */
export const ANY_QUEUE = { type: { $in: [...CHANNEL_NAMES] }, lane: { $in: [...LANES] } };

/** Whose records somebody reaches. */
export interface Reach {
  /** Those that this one has submitted, as in `Notification.caller`; without it, everybody's. */
  caller?: string | undefined;
}

/** The condition that a record is in reach. What is not is as if it were not there. */
export function within({ caller }: Reach): Filter<Notification> {
  return caller === undefined ? {} : { caller };
}

/** Who changed a record and why, as the timeline keeps it. */
export interface Change {
  actor: string;
  reason?: string;
  code?: string;
}

/**
 * The pipeline stage of a state change by the database's clock: new status, timeline entry, and whatever else is set. Values are
 * literals: a user's text that starts with `$` stays a text.
 */
export function transitionStage(
  status: Status,
  change: Change,
  set: Readonly<Record<string, unknown>> = {},
): object {
  return changeStage(status, literals(change), set);
}

/** The same, where what the timeline says is given as expressions. */
export function changeStage(
  status: Status,
  entry: Readonly<Record<string, unknown>>,
  set: Readonly<Record<string, unknown>> = {},
): object {
  return {
    $set: {
      status,
      moved: movedTo(status),
      updated_at: '$$NOW',
      ...withTimelineEntry({ at: '$$NOW', status, ...entry }),
      ...set,
    },
  };
}

/**
 * What the books read of a change: channel, status before, status after; of what is sent also the milliseconds since it was due. No two
 * changes in a row have the same, unless nothing changes.
 */
export function movedTo(status: Status | typeof GONE, from = '$status'): object {
  const took = status === 'sent' ? [' ', { $toString: SINCE_DUE_MS }] : [];
  return { $concat: ['$type', ' ', from, ' ', status, ...took] };
}

/** Since it was accepted, since the time for which it was scheduled, or since a person sent it again. */
const SINCE_DUE_MS = { $subtract: ['$$NOW', { $max: ['$created_at', '$send_at', '$retried_at'] }] };

/** Where a record goes whose retention is over: it counts no more, and is deleted. */
export const GONE = 'gone';

/** The expression of the time at which retention ends for what finishes now. */
export function retentionEnd(days: number): object {
  return { $add: ['$$NOW', days * DAY] };
}
