import { STATUSES, type Channel, type Status } from '../../contracts/index.ts';
import type { Notifications } from '../notifications/collection.ts';

/** How many notifications there are by channel and status. */
export type Counts = Partial<Record<Channel, Partial<Record<Status, number>>>>;

/** What the books say, and when it was so. */
export interface Balance {
  counts: Counts;
  /** Attempts whose outcome is unknown. */
  ambiguous: number;
  asOf: Date;
}

/** Counts records by channel and status. */
export const COUNTING = [
  {
    $group: {
      _id: { type: '$type', status: '$status' },
      count: { $sum: 1 },
      ambiguous: { $sum: '$ambiguous_count' },
    },
  },
];

/** Counts all records now: what the books should say. Its cost grows with their number. */
export async function countAll(notifications: Notifications): Promise<Balance> {
  const asOf = new Date();
  return balanceOf(await notifications.aggregate<Row>(COUNTING).toArray(), asOf);
}

/** The balance that counted rows make. */
export function balanceOf(rows: readonly Row[], asOf: Date): Balance {
  const counts: Counts = {};
  for (const { _id, count } of rows) (counts[_id.type] ??= {})[_id.status] = count;
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

/** All channels and statuses summed. */
export function totalOf(counts: Counts): number {
  return Object.values(counts)
    .flatMap((byStatus) => STATUSES.map((status) => byStatus[status] ?? 0))
    .reduce((sum, count) => sum + count, 0);
}
