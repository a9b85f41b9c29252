import type { Db, Timestamp } from 'mongodb';
import { STATUSES, type Channel, type Status } from '../../contracts/index.ts';
import { GONE, type Notifications } from '../notifications/collection.ts';

/** How many notifications there are by channel and status. */
export type Counts = Partial<Record<Channel, Partial<Record<Status, number>>>>;

/** What the books say, and when it was so. */
export interface Balance {
  counts: Counts;
  /** Attempts whose outcome is unknown. */
  ambiguous: number;
  asOf: Date;
}

/** What retention is about to delete has left the books already. */
const LEFT = { $regexMatch: { input: { $ifNull: ['$moved', ''] }, regex: ` ${GONE} ` } };
const BY_TYPE_AND_STATUS = {
  _id: { type: '$type', status: '$status' },
  count: { $sum: { $cond: [LEFT, 0, 1] } },
  ambiguous: { $sum: { $cond: [LEFT, 0, '$ambiguous_count'] } },
};

/**
 * Counts all records now: what the status counts should say. Its cost grows with their number.
 * @throws MongoServerError (MaxTimeMSExpired) where that takes longer than `withinMs`, in milliseconds.
 */
export async function countAll(notifications: Notifications, withinMs?: number): Promise<Balance> {
  const asOf = new Date();
  const options = withinMs === undefined ? {} : { maxTimeMS: withinMs };
  const rows = await notifications.aggregate<Row>([{ $group: BY_TYPE_AND_STATUS }], options).toArray();
  return { ...addRows({ counts: {}, ambiguous: 0 }, rows), asOf };
}

/** Which records a slice has. */
export interface SliceOptions {
  /** Those behind this id. */
  after: string;
  /** So many at most. */
  limit: number;
  /** As of this moment; as of now where it is not given. */
  at?: Timestamp | undefined;
  withinMs: number;
}

/**
 * Counts a slice of the records as of one moment; answers the moment, and the greatest id of the slice, undefined where there is no record
 * left. Of each record only what is counted is passed on.
 * @throws MongoServerError: MaxTimeMSExpired, or SnapshotTooOld where the moment is gone.
 */
export async function countSlice(
  db: Db,
  collection: string,
  { after, limit, at, withinMs }: SliceOptions,
): Promise<{ rows: Row[]; last: string | undefined; at: Timestamp }> {
  const answer = await db.command({
    aggregate: collection,
    pipeline: [
      { $match: { _id: { $gt: after } } },
      { $sort: { _id: 1 } },
      { $limit: limit },
      { $project: { type: 1, status: 1, moved: 1, ambiguous_count: 1 } },
      { $group: { ...BY_TYPE_AND_STATUS, last: { $max: '$_id' } } },
    ],
    cursor: { batchSize: 1_000 },
    maxTimeMS: withinMs,
    readConcern: { level: 'snapshot', ...(at && { atClusterTime: at }) },
  });
  const { firstBatch: rows, atClusterTime } = answer.cursor as {
    firstBatch: (Row & { last: string })[];
    atClusterTime: Timestamp;
  };
  const last = rows.reduce<string | undefined>(
    (greatest, row) => (greatest === undefined || row.last > greatest ? row.last : greatest),
    undefined,
  );
  return { rows, last, at: at ?? atClusterTime };
}

/** Counts with those of further rows. */
export function addRows(
  { counts, ambiguous }: Pick<Balance, 'counts' | 'ambiguous'>,
  rows: readonly Row[],
): Pick<Balance, 'counts' | 'ambiguous'> {
  const sum: Counts = structuredClone(counts);
  for (const { _id, count } of rows.filter((row) => row.count > 0)) {
    const byStatus = (sum[_id.type] ??= {});
    byStatus[_id.status] = (byStatus[_id.status] ?? 0) + count;
  }
  return { counts: sum, ambiguous: rows.reduce((total, row) => total + row.ambiguous, ambiguous) };
}

/** One row of the count. */
export interface Row {
  _id: { type: Channel; status: Status };
  count: number;
  ambiguous: number;
}

/** Only pairs that occur. */
export function withoutZeros(counts: Counts): Counts {
  const channels = Object.entries(counts).map(
    ([channel, byStatus]) => [channel, Object.entries(byStatus).filter(([, count]) => count !== 0)] as const,
  );
  const occurring = channels.filter(([, pairs]) => pairs.length > 0);
  return Object.fromEntries(occurring.map(([channel, pairs]) => [channel, Object.fromEntries(pairs)]));
}

/** All channels summed, of these statuses. */
export function totalOf(counts: Counts, statuses: readonly Status[] = STATUSES): number {
  return Object.values(counts)
    .flatMap((byStatus) => statuses.map((status) => byStatus[status] ?? 0))
    .reduce((sum, count) => sum + count, 0);
}

/** By status, all channels summed. */
export function sumOver(counts: Counts): Partial<Record<Status, number>> {
  const sums: Partial<Record<Status, number>> = {};
  for (const byStatus of Object.values(counts))
    for (const [status, count] of Object.entries(byStatus) as [Status, number][])
      sums[status] = (sums[status] ?? 0) + count;
  return sums;
}
