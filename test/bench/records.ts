import { MongoClient } from 'mongodb';
import type { Status } from '../../shared/contracts/index.ts';
import { pause } from '../../shared/runtime/backoff.ts';
import {
  Books,
  countUnpublished,
  notificationsOf,
  totalOf,
  type Notifications,
} from '../../shared/store/index.ts';
import type { BenchFleet } from './fleet.ts';

const LOOK_EVERY_MS = 500;
const UNDER_WAY: Status[] = ['pending', 'sending', 'failed'];

/** Looks into a fleet's store, seldom, so as not to be measured itself. */
async function withRecords<T>(
  { servers }: BenchFleet,
  look: (notifications: Notifications, books: Books) => Promise<T>,
): Promise<T> {
  const client = await new MongoClient(servers.mongoUri).connect();
  try {
    return await look(notificationsOf(client.db()), new Books(client.db()));
  } finally {
    await client.close();
  }
}

/** Waits until nothing waits or is under way. */
export function drained(fleet: BenchFleet): Promise<void> {
  return withRecords(fleet, atRest);
}

/** How many were sent, in what time. */
export interface Sent {
  count: number;
  seconds: number;
}

/**
 * Waits until nothing waits or is under way; answers how many were sent in what time. Counted from the moment when the first, or so many as
 * warmed up, had been sent: what shares that moment took its time before it.
 */
export function sentIn(fleet: BenchFleet, warmUp = 1): Promise<Sent> {
  return withRecords(fleet, async (notifications, books) => {
    await atRest(notifications, books);
    const [row] = await notifications
      .aggregate<{ count: number; to: Date }>([
        { $match: { status: 'sent' } },
        { $group: { _id: null, count: { $sum: 1 }, to: { $max: '$sent_at' } } },
      ])
      .toArray();
    if (!row) throw new Error('nothing was sent');
    const from = await sentAt(notifications, warmUp);
    const before = await notifications.countDocuments({ sent_at: { $lte: from } });
    const seconds = (row.to.getTime() - from.getTime()) / 1_000;
    if (seconds === 0) throw new Error(`all ${row.count} were sent in one moment: too few to measure`);
    return { count: row.count - before, seconds };
  });
}

/**
 * Waits until nothing waits or is under way. The books are asked first: whatever looks for a pending record while a backlog drains walks past
 * the index entries of all that were pending, and MongoDB is busy with us.
 */
async function atRest(notifications: Notifications, books: Books): Promise<void> {
  for (;;) {
    const balance = await books.read();
    const quarantined = [...(await notifications.quarantine.ids())];
    const isBooked = balance !== undefined && totalOf(balance.counts, UNDER_WAY) === quarantined.length;
    // One by one, or no index is used.
    const left = { $or: UNDER_WAY.map((status) => ({ status, _id: { $nin: quarantined } })) };
    if (isBooked && !(await notifications.findOne(left, { projection: { _id: 1 } }))) return;
    await pause(LOOK_EVERY_MS);
  }
}

async function sentAt(notifications: Notifications, position: number): Promise<Date> {
  const [found] = await notifications
    .find({ status: 'sent' }, { projection: { sent_at: 1 } })
    .sort({ sent_at: 1 })
    .skip(position - 1)
    .limit(1)
    .toArray();
  if (!found?.sent_at) throw new Error(`fewer than ${position} were sent`);
  return found.sent_at;
}

/** Waits until a backlog stands: all published, and in the books. */
export function settled(fleet: BenchFleet): Promise<void> {
  return withRecords(fleet, async (notifications, books) => {
    for (;;) {
      const [balance, count] = [await books.read(), await notifications.estimatedDocumentCount()];
      const isBooked = balance !== undefined && totalOf(balance.counts) >= count;
      if (isBooked && (await countUnpublished(notifications)) === 0) return;
      await pause(LOOK_EVERY_MS);
    }
  });
}
