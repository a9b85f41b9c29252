import type { Filter } from 'mongodb';
import {
  CHANNELS,
  CHANNEL_NAMES,
  LANES,
  TROUBLED,
  type Channel,
  type DeadLetterQuery,
  type ListQuery,
  type Notification,
  type UserListQuery,
} from '../../contracts/index.ts';
import { idFloor } from '../../runtime/ids.ts';
import { ANY_QUEUE, BY_ID, WITHOUT_FILES, within, type Notifications, type Reach } from './collection.ts';
import { idsChanged, writeIsolated } from './isolated-write.ts';
import { deadLetters } from './operate.ts';
import { SEARCH_WITHIN_MS, inReach } from './reach.ts';
import { idBatches } from './walk.ts';

/** A page of records, newest first, and where the next one begins. */
export interface Page {
  records: Notification[];
  nextCursor: string | null;
}

/** Channels whose notifications people read in their list. */
const INBOX: Channel[] = CHANNEL_NAMES.filter((name) => CHANNELS[name].inbox);

/** One record, without the bytes of its files; null where there is none in reach. */
export function getNotification(
  notifications: Notifications,
  id: string,
  reach: Reach = {},
): Promise<Notification | null> {
  return notifications.findOne({ _id: id, ...within(reach) }, { projection: WITHOUT_FILES });
}

/** What one caller had accepted under these idempotency keys, without the bytes of files. */
export function notificationsByKey(
  notifications: Notifications,
  caller: string,
  keys: readonly string[],
): Promise<Notification[]> {
  const filter = { caller, idempotency_key: { $in: [...keys] } };
  return notifications.find(filter, { projection: WITHOUT_FILES }).toArray();
}

/** A page of all records in reach. @throws SearchTooWide */
export function listNotifications(
  notifications: Notifications,
  query: ListQuery,
  reach: Reach = {},
): Promise<Page> {
  return page(notifications, { ...listed(query), ...within(reach) }, query);
}

/** Ids begin with the time of acceptance, so that a span of time is a span of ids. */
function listed({ status, type, user_id, from, to, error }: ListQuery): Filter<Notification> {
  const wanted = status ?? (error === undefined ? undefined : { $in: [...TROUBLED] });
  const span = { ...(from && { $gte: idFloor(from) }), ...(to && { $lt: idFloor(to) }) };
  return {
    ...(wanted && { status: wanted, ...ANY_QUEUE }),
    ...(type && { type }),
    ...(user_id !== undefined && { user_id }),
    ...((from ?? to) && { _id: span }),
    ...(error !== undefined && { $or: [{ 'error.code': error }, { 'error.reason': containing(error) }] }),
  };
}

function containing(words: string): { $regex: string; $options: 'i' } {
  return { $regex: words.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'), $options: 'i' };
}

/** A page of one person's records; `onlyInbox`: of those that this person reads there. @throws SearchTooWide */
export function listUserNotifications(
  notifications: Notifications,
  userId: string,
  { type, ...query }: UserListQuery,
  { onlyInbox = false, ...reach }: Reach & { onlyInbox?: boolean } = {},
): Promise<Page> {
  const unread =
    query.unread === undefined
      ? {}
      : { unread: query.unread === 'true' ? (true as const) : { $exists: false } };
  const types = INBOX.filter((one) => type === undefined || one === type);
  const shown = onlyInbox ? { type: { $in: types }, sent_at: { $exists: true } } : type && { type };
  return page(notifications, { user_id: userId, ...shown, ...unread, ...within(reach) }, query);
}

/** A page of dead letters. @throws SearchTooWide */
export function listDeadLetters(notifications: Notifications, query: DeadLetterQuery & Reach): Promise<Page> {
  return page(notifications, deadLetters(query), query);
}

/** How many notifications a person has not read in the inbox. */
export function countUnread(
  notifications: Notifications,
  userId: string,
  reach: Reach = {},
): Promise<number> {
  return notifications.countDocuments({ user_id: userId, unread: true, ...within(reach) });
}

/** When one came into a person's inbox; undefined where there is no such one in reach. */
export async function arrivalOf(
  notifications: Notifications,
  userId: string,
  { id, ...reach }: Reach & { id: string },
): Promise<Date | undefined> {
  const record = await notifications.findOne(
    { ...inInbox(userId), _id: id, ...within(reach) },
    { projection: { sent_at: 1 } },
  );
  return record?.sent_at;
}

/** Marks one as read; the record, or null when this person has no such notification in the inbox. Twice is as good as once. */
export function markRead(
  notifications: Notifications,
  userId: string,
  id: string,
  reach: Reach = {},
): Promise<Notification | null> {
  const mine: Filter<Notification> = { ...inInbox(userId), _id: id, ...within(reach) };
  const read = [{ $set: { read_at: { $ifNull: ['$read_at', '$$NOW'] } } }, { $unset: ['unread'] }];
  return notifications.findOneAndUpdate(mine, read, { returnDocument: 'after' });
}

/** Marks all as read that came into the inbox by then; answers how many were unread. Without `upTo`: whatever is there now. */
export async function markAllRead(
  notifications: Notifications,
  userId: string,
  { upTo, ...reach }: Reach & { upTo?: Date | undefined } = {},
): Promise<number> {
  const read = [{ $set: { read_at: '$$NOW' } }, { $unset: ['unread'] }];
  const seen = upTo === undefined ? {} : { sent_at: { $lte: upTo } };
  const mine = { user_id: userId, unread: true as const, ...seen, ...within(reach) };
  let changed = 0;
  for await (const ids of idBatches(notifications, mine)) {
    const done = await writeIsolated(notifications, 'operate', ids, async (some) => {
      const which = { _id: { $in: [...some] }, unread: true as const };
      const { modifiedCount } = await notifications.updateMany(which, read, BY_ID);
      return idsChanged(notifications, some, modifiedCount, { unread: { $exists: false } });
    });
    changed += done.length;
  }
  return changed;
}

/** What one person reads in the inbox. */
function inInbox(userId: string): Filter<Notification> {
  return { user_id: userId, type: { $in: INBOX }, sent_at: { $exists: true } };
}

/** Since when the longest accepted record of a queue, or of all of them, has been in a state; undefined when none is. */
export async function findOldest(
  notifications: Notifications,
  { status, ...queue }: Pick<Notification, 'status'> & Partial<Pick<Notification, 'type' | 'lane'>>,
): Promise<Date | undefined> {
  const options = { sort: { _id: 1 }, projection: { updated_at: 1 } } as const;
  return (await notifications.findOne({ status, ...ANY_QUEUE, ...queue }, options))?.updated_at;
}

/** Unpublished records that are counted at most: more of them say nothing more. */
const UNPUBLISHED_COUNTED = 1_000_000;

/** How many are stored and not yet published; of more than a million, a million. */
export function countUnpublished(notifications: Notifications): Promise<number> {
  // Without the lanes, by which its index begins, all records would be looked at.
  const unpublished = { unpublished: true as const, lane: { $in: [...LANES] } };
  return notifications.countDocuments(unpublished, { limit: UNPUBLISHED_COUNTED });
}

async function page(
  notifications: Notifications,
  filter: Filter<Notification>,
  { cursor, limit }: { cursor?: string | undefined; limit: number },
): Promise<Page> {
  const older = cursor === undefined ? filter : { $and: [filter, { _id: { $lt: cursor } }] };
  const records = await inReach(
    notifications
      .find(older, { maxTimeMS: SEARCH_WITHIN_MS, projection: WITHOUT_FILES })
      .sort({ _id: -1 })
      .limit(limit + 1)
      .toArray(),
  );
  const shown = records.slice(0, limit);
  return { records: shown, nextCursor: records.length > limit ? (shown.at(-1)?._id ?? null) : null };
}

/** The e-mail address that a notification was sent to; undefined where it is gone, erased, or of another channel. */
export async function emailOf(notifications: Notifications, id: string): Promise<string | undefined> {
  const record = await notifications.findOne({ _id: id }, { projection: { type: 1, email: 1 } });
  return record?.type === 'email' ? record.email : undefined;
}
