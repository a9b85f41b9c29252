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

/** Records counted in one call: about a second's work, far from the silence that the driver takes for a dead server. */
const SLICE = 200_000;
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
  return balanceOf(
    await notifications.aggregate<Row>([{ $group: BY_TYPE_AND_STATUS }], options).toArray(),
    asOf,
  );
}

/**
 * Counts all records as of one moment, slice by slice; answers the rows of the slices, and the moment. MongoDB keeps a moment for five
 * minutes, enough for some fifty million records.
 */
export async function countAsOf(db: Db, collection: string): Promise<{ rows: Row[]; at: Timestamp }> {
  const rows: Row[] = [];
  let at: Timestamp | undefined;
  for (let after = ''; ;) {
    const answer = await db.command({
      aggregate: collection,
      pipeline: slicePipeline(after),
      cursor: { batchSize: 1_000 },
      readConcern: { level: 'snapshot', ...(at && { atClusterTime: at }) },
    });
    const { firstBatch, atClusterTime } = answer.cursor as {
      firstBatch: SliceRow[];
      atClusterTime: Timestamp;
    };
    at ??= atClusterTime;
    rows.push(...firstBatch);
    if (firstBatch.length === 0) return { rows, at };
    after = firstBatch.reduce((last, row) => (row.last > last ? row.last : last), after);
  }
}

function slicePipeline(after: string): object[] {
  return [
    { $match: { _id: { $gt: after } } },
    { $sort: { _id: 1 } },
    { $limit: SLICE },
    { $group: { ...BY_TYPE_AND_STATUS, last: { $max: '$_id' } } },
  ];
}

/** A row of one slice, with the greatest id in it. */
interface SliceRow extends Row {
  last: string;
}

/** The balance that counted rows make. */
export function balanceOf(rows: readonly Row[], asOf: Date): Balance {
  const counts: Counts = {};
  for (const { _id, count } of rows.filter((row) => row.count > 0)) {
    const byStatus = (counts[_id.type] ??= {});
    byStatus[_id.status] = (byStatus[_id.status] ?? 0) + count;
  }
  return { counts, ambiguous: rows.reduce((sum, row) => sum + row.ambiguous, 0), asOf };
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
