import type { Filter } from 'mongodb';
import {
  CANCELABLE,
  CLAIMABLE_WHEN_DUE,
  type Channel,
  type Lane,
  type Notification,
} from '../../contracts/index.ts';
import { MINUTE, SECOND } from '../../runtime/duration.ts';
import { idFloor } from '../../runtime/ids.ts';
import {
  ANY_QUEUE,
  BY_ID,
  GONE,
  WITHOUT_FILES,
  movedTo,
  retentionEnd,
  transitionStage,
  type Notifications,
} from './collection.ts';
import { idsChanged, isolating, writeIsolated } from './isolated-write.ts';

/** Records handled in one pass of a sweep. */
export const SWEEP_LIMIT = 500;
/** A producer publishes what it stored at once; the relay leaves it so long, in milliseconds. */
const RELAY_GRACE_MS = 5 * SECOND;
/** A retry comes back from its wait queue; only when it is so late was its message lost. Milliseconds. */
const RETRY_OVERDUE_MS = 2 * MINUTE;
/** A message for the same record is published again by a sweep after so long, in milliseconds: it may merely be waiting. */
const HINT_AGAIN_MS = MINUTE;
/** A pending record whose queue is empty lost its message when it is older than this, in milliseconds. */
const LOST_AFTER_MS = MINUTE;

/** The actor of every change that a sweep makes. */
const ACTOR = 'scheduler';

/** What is stored and unpublished of one channel and lane, by age: one that takes nothing must not hold the others up. */
export async function findUnpublished(
  notifications: Notifications,
  { type, lane, now }: { type: Channel; lane: Lane; now: Date },
): Promise<Notification[]> {
  const before = idFloor(new Date(now.getTime() - RELAY_GRACE_MS));
  const quarantined = [...(await notifications.quarantine.ids())];
  return (
    notifications
      // A failed one is not due yet; the due sweep takes it.
      .find({
        unpublished: true,
        lane,
        type,
        status: { $ne: 'failed' },
        _id: { $lt: before, $nin: quarantined },
      })
      .project<Notification>(WITHOUT_FILES)
      .sort({ _id: 1 })
      .limit(SWEEP_LIMIT)
      .toArray()
  );
}

/** The condition that a record is not quarantined: those would stand in the way of every pass. */
async function notQuarantined(notifications: Notifications): Promise<Filter<Notification>> {
  const ids = [...(await notifications.quarantine.ids())];
  return ids.length === 0 ? {} : { _id: { $nin: ids } };
}

/** Makes pending what is due: scheduled sends, holds that are over, and retries whose message was lost. Answers what to publish. */
export async function wakeDue(notifications: Notifications): Promise<Notification[]> {
  const [held, scheduled] = ['held', 'scheduled'] as const;
  const due = {
    $or: [
      { status: { $in: [held, scheduled] }, $expr: { $lte: ['$next_retry_time', '$$NOW'] } },
      {
        status: 'failed' as const,
        $expr: { $lte: ['$next_retry_time', { $subtract: ['$$NOW', RETRY_OVERDUE_MS] }] },
      },
      // Its message is known not to be there.
      {
        status: 'failed' as const,
        unpublished: true as const,
        $expr: { $lte: ['$next_retry_time', '$$NOW'] },
      },
    ],
  };
  // The bound by our own clock lets the index find them; the database's clock decides.
  const bound = {
    next_retry_time: { $lte: new Date(Date.now() + MINUTE) },
    status: { $in: [...CLAIMABLE_WHEN_DUE] },
  };
  const found = await notifications
    .find({ $and: [bound, due, await notQuarantined(notifications)] }, { projection: { _id: 1 } })
    .sort({ next_retry_time: 1 })
    .limit(SWEEP_LIMIT)
    .toArray();
  const stage = transitionStage('pending', { actor: ACTOR, reason: 'due' }, { unpublished: true });
  const settle = [stage, { $unset: ['next_retry_time'] }];
  const ids = found.map((record) => record._id);
  return writeIsolated(notifications, 'sweep', ids, async (some) => {
    await notifications.updateMany({ _id: { $in: [...some] }, ...due }, settle, BY_ID);
    const woken = { _id: { $in: [...some] }, status: 'pending' as const, unpublished: true as const };
    return notifications.find(woken, { projection: WITHOUT_FILES }).toArray();
  });
}

/** A pass of expiring ends after so long, in milliseconds; the next one goes on. */
const EXPIRE_WITHIN_MS = 8 * SECOND;

/** Ends what was not sent in time, in batches, the longest overdue first; answers how many. */
export async function expireOverdue(notifications: Notifications, retentionDays: number): Promise<number> {
  const overdue = {
    expires_at: { $lte: new Date(Date.now() + MINUTE) },
    status: { $in: [...CANCELABLE] },
    $expr: { $lte: ['$expires_at', '$$NOW'] },
  };
  const endBy = Date.now() + EXPIRE_WITHIN_MS;
  let expired = 0;
  for (;;) {
    const found = await notifications
      .find({ $and: [overdue, await notQuarantined(notifications)] }, { projection: { _id: 1 } })
      .sort({ expires_at: 1 })
      .limit(SWEEP_LIMIT)
      .toArray();
    const ids = found.map(({ _id }) => _id);
    expired += await expire(notifications, ids, { overdue, retentionDays });
    if (ids.length < SWEEP_LIMIT || Date.now() > endBy) return expired;
  }
}

async function expire(
  notifications: Notifications,
  ids: readonly string[],
  { overdue, retentionDays }: { overdue: Filter<Notification>; retentionDays: number },
): Promise<number> {
  const change = { actor: ACTOR, reason: 'not sent before expires_at', code: 'expired' };
  const stage = transitionStage('expired', change, { delete_at: retentionEnd(retentionDays) });
  const pipeline = [stage, { $unset: ['next_retry_time'] }];
  const expired = await writeIsolated(notifications, 'sweep', ids, async (some) => {
    const which = { _id: { $in: [...some] } };
    const { modifiedCount } = await notifications.updateMany({ ...which, ...overdue }, pipeline, BY_ID);
    return idsChanged(notifications, some, modifiedCount, { status: 'expired' });
  });
  return expired.length;
}

/** A pass of deleting ends after so long, in milliseconds; the next one goes on. */
const DELETE_WITHIN_MS = 8 * SECOND;

/** Deletes what is finished and whose retention is over, whoever else does the same; answers how many. */
export async function deleteRetained(notifications: Notifications): Promise<number> {
  const over = { delete_at: { $lte: new Date() } };
  const endBy = Date.now() + DELETE_WITHIN_MS;
  const found = notifications
    .find(over, { projection: { _id: 1 } })
    .sort({ delete_at: 1, _id: 1 })
    .batchSize(SWEEP_LIMIT);
  let deleted = 0;
  try {
    while (Date.now() < endBy && (await found.hasNext())) {
      const ids = found.readBufferedDocuments().map(({ _id }) => _id);
      deleted += await deleteOver(notifications, ids, over);
      await notifications.quarantine.remove(ids);
    }
  } finally {
    await found.close();
  }
  return deleted;
}

/** A record that refuses the mark of `deleteFinished` goes without it: the next recount takes it out of the counts. */
async function deleteOver(
  notifications: Notifications,
  ids: readonly string[],
  over: Filter<Notification>,
): Promise<number> {
  const gone = await isolating(
    ids,
    async (some) => [await deleteFinished(notifications, { _id: { $in: [...some] }, ...over })],
    async (_id) => {
      await notifications.deleteOne({ _id, ...over });
    },
  );
  return gone.reduce((sum, count) => sum + count, 0);
}

/** In two steps, for the journal does not tell what a deleted record was: first it leaves the books, then it goes. */
async function deleteFinished(notifications: Notifications, which: Filter<Notification>): Promise<number> {
  const left = new RegExp(` ${GONE} `);
  const leave = { $concat: [movedTo(GONE), ' ', { $toString: '$ambiguous_count' }] };
  await notifications.updateMany({ ...which, moved: { $not: left } }, [{ $set: { moved: leave } }], BY_ID);
  return (await notifications.deleteMany({ ...which, moved: left }, BY_ID)).deletedCount;
}

/** What a consumer left behind: its lease ran out, so somebody else may claim it. In batches. */
export function findLostLeases(notifications: Notifications): AsyncGenerator<Notification[]> {
  const expired = { $expr: { $lt: ['$lease_until', '$$NOW'] } };
  return hintable(notifications, { status: 'sending', ...ANY_QUEUE, ...expired });
}

/** Pending records of a queue that is empty: their message is lost. In batches. */
export function findLostHints(
  notifications: Notifications,
  type: Channel,
  lane: Lane,
): AsyncGenerator<Notification[]> {
  return hintable(notifications, pendingFor(type, lane, '$$NOW'));
}

/**
 * Pending records of a queue that is not empty, but from which later ones are being sent already for the first time: queues keep their
 * order, so their message is not in it. In batches.
 */
export async function* findOvertaken(
  notifications: Notifications,
  type: Channel,
  lane: Lane,
): AsyncGenerator<Notification[]> {
  const [head] = await notifications
    .find({ status: 'sending', type, lane, attempt: 1 }, { projection: { created_at: 1 } })
    .sort({ _id: 1 })
    .limit(1)
    .toArray();
  if (!head) return;
  // What came later cannot have been overtaken; without saying so the whole backlog would be looked at.
  const earlier = { _id: { $lt: head._id } };
  yield* hintable(notifications, { $and: [pendingFor(type, lane, head.created_at), earlier] });
}

/** Records that became pending, and whose last message was published, more than a minute before a moment. */
function pendingFor(type: Channel, lane: Lane, moment: Date | '$$NOW'): Filter<Notification> {
  const latest = { $max: ['$updated_at', '$hinted_at'] };
  const old = { $expr: { $lt: [latest, { $subtract: [moment, LOST_AFTER_MS] }] } };
  return { status: 'pending', type, lane, unpublished: { $exists: false }, ...old };
}

/** Finds records to publish a message for, and notes it, so that a long backlog does not get a second copy with every pass. */
async function* hintable(
  notifications: Notifications,
  filter: Filter<Notification>,
): AsyncGenerator<Notification[]> {
  const again = { $lt: ['$hinted_at', { $subtract: ['$$NOW', HINT_AGAIN_MS] }] };
  const never = { $eq: [{ $type: '$hinted_at' }, 'missing'] };
  const unhinted = { $expr: { $or: [never, again] } };
  for (let after = ''; ;) {
    const free = await notQuarantined(notifications);
    const found = await notifications
      .find({ $and: [filter, unhinted, free, { _id: { $gt: after } }] }, { projection: WITHOUT_FILES })
      .sort({ _id: 1 })
      .limit(SWEEP_LIMIT)
      .toArray();
    const last = found.at(-1);
    if (!last) return;
    const ids = found.map((record) => record._id);
    await writeIsolated(notifications, 'sweep', ids, async (some) => {
      const waiting = { _id: { $in: [...some] }, status: { $in: ['pending' as const, 'sending' as const] } };
      await notifications.updateMany(waiting, [{ $set: { hinted_at: '$$NOW' } }], BY_ID);
      return [];
    });
    yield found.filter(({ _id }) => !notifications.quarantine.has(_id));
    if (found.length < SWEEP_LIMIT) return;
    after = last._id;
  }
}
