import { MongoClient } from 'mongodb';
import { pause } from '../../shared/runtime/backoff.ts';
import { notificationsOf, type Notifications } from '../../shared/store/index.ts';
import type { BenchFleet } from './fleet.ts';

const LOOK_EVERY_MS = 500;

/** Looks into a fleet's store, seldom, so as not to be measured itself. */
async function withRecords<T>(
  { servers }: BenchFleet,
  look: (notifications: Notifications) => Promise<T>,
): Promise<T> {
  const client = await new MongoClient(servers.mongoUri).connect();
  try {
    return await look(notificationsOf(client.db()));
  } finally {
    await client.close();
  }
}

/** Waits until nothing waits or is under way; answers how many were sent per second, from the first claim to the last record. */
export function drained(fleet: BenchFleet): Promise<{ perSecond: number; count: number }> {
  return withRecords(fleet, async (notifications) => {
    while (
      await notifications.findOne(
        { status: { $in: ['pending', 'sending', 'failed'] } },
        { projection: { _id: 1 } },
      )
    )
      await pause(LOOK_EVERY_MS);
    const [row] = await notifications
      .aggregate<{ count: number; from: Date; to: Date }>([
        { $match: { status: 'sent' } },
        {
          $group: { _id: null, count: { $sum: 1 }, from: { $min: '$claimed_at' }, to: { $max: '$sent_at' } },
        },
      ])
      .toArray();
    if (!row) throw new Error('nothing was sent');
    return { perSecond: (row.count * 1_000) / (row.to.getTime() - row.from.getTime()), count: row.count };
  });
}
