import type { Filter } from 'mongodb';
import {
  STEERABLE,
  type Channel,
  type DeadLetterFilter,
  type Notification,
  type Status,
} from '../../contracts/index.ts';
import { MINUTE, SECOND } from '../../runtime/duration.ts';
import { describeRefusal, isRefusal } from '../refusal.ts';
import {
  ANY_QUEUE,
  BY_ID,
  WITHOUT_FILES,
  retentionEnd,
  transitionStage,
  within,
  type Change,
  type Notifications,
  type Reach,
} from './collection.ts';
import { idsChanged, writeIsolated } from './isolated-write.ts';
import { SEARCH_WITHIN_MS, inReach } from './reach.ts';
import { idChunks } from './walk.ts';

/** What became of an order to change one notification: done, or the state that forbids it, or there is none. */
export type Operated =
  | { outcome: 'done'; record: Notification }
  | { outcome: 'conflict'; state: Status }
  /** MongoDB refuses to write the record, which is quarantined now. */
  | { outcome: 'refused'; reason: string }
  | { outcome: 'missing' };

/** Sends again by hand: same id, same Message-ID, a full ladder. The caller publishes it. Each request works, the second one too. */
export function retryNotification(
  notifications: Notifications,
  id: string,
  { caller, ...change }: Change & Reach,
): Promise<Operated> {
  return operate(notifications, { id, caller }, STEERABLE.retried, redrivePipeline(change), STAYS);
}

/** Takes back what has not begun to be sent. From the claim on it is too late. */
export function cancelNotification(
  notifications: Notifications,
  id: string,
  { caller, ...change }: Change & Reach,
  retentionDays: number,
): Promise<Operated> {
  const stage = transitionStage('canceled', change, { delete_at: retentionEnd(retentionDays) });
  return operate(notifications, { id, caller }, STEERABLE.canceled, [stage, { $unset: ['next_retry_time'] }]);
}

/** A person says what became of an unknown outcome. */
export function resolveNotification(
  notifications: Notifications,
  id: string,
  outcome: 'sent' | 'failed',
  options: { change: Change & Reach; retentionDays: number },
): Promise<Operated> {
  const { retentionDays } = options;
  const { caller, ...change } = options.change;
  const stage =
    outcome === 'sent'
      ? transitionStage('sent', change, {
          sent_at: '$$NOW',
          delete_at: retentionEnd(retentionDays),
          // How long a person took to find out says nothing about sending.
          moved: { $concat: ['$type', ' outcome_unknown sent'] },
        })
      : transitionStage('failed_permanently', change);
  return operate(notifications, { id, caller }, STEERABLE.resolved, [stage]);
}

/** Dead letters by what somebody asks for, of those in reach. */
export type DeadLettersInReach = DeadLetterFilter & Reach;

/** The dead letters that a filter means. */
export function deadLetters(filter: DeadLettersInReach): Filter<Notification> {
  return {
    status: 'failed_permanently',
    ...ANY_QUEUE,
    ...within(filter),
    ...(filter.ids && { _id: { $in: filter.ids } }),
    ...(filter.type && { type: filter.type }),
    ...(filter.user_id !== undefined && { user_id: filter.user_id }),
    ...(filter.code !== undefined && { 'error.code': filter.code }),
    ...(filter.provider !== undefined && { 'error.provider': filter.provider }),
    ...(filter.before && { updated_at: { $lte: filter.before } }),
  };
}

/**
 * Sends dead letters again, up to those that are dead now; answers the records to publish, chunk by chunk. With a rate (per second) they
 * are held, each until its turn, and the scheduler publishes them: it survives a crash of whoever asked. `act` stays on the records.
 */
export async function* redriveDeadLetters(
  notifications: Notifications,
  filter: DeadLettersInReach,
  options: { change: Change; act: string; rate?: number | undefined },
): AsyncGenerator<{ changed: number; due: Notification[] }> {
  let turn = 0;
  for await (const ids of idChunks(notifications, deadNow(filter))) {
    const { rate, change, act } = options;
    if (rate === undefined) {
      const pipeline = redrivePipeline(change, { bulk_act: act });
      const changed = await changeDead(
        notifications,
        ids,
        { bulk_act: act },
        updateAll(notifications, pipeline),
      );
      const due = await notifications
        .find({ _id: { $in: ids }, unpublished: true, status: 'pending' }, { projection: WITHOUT_FILES })
        .toArray();
      yield { changed, due };
      continue;
    }
    const turns = new Map(ids.map((id) => [id, turn++]));
    const changed = await changeDead(notifications, ids, { bulk_act: act }, async (some) => {
      const operations = some.map((id) => ({
        updateOne: {
          filter: stillDead([id]),
          update: heldPipeline(change, act, ((turns.get(id) ?? 0) * SECOND) / rate),
        },
      }));
      return (await notifications.bulkWrite(operations, { ordered: false })).modifiedCount;
    });
    yield { changed, due: [] };
  }
}

/** What became of the records that a redrive has sent again, by their state now. */
export async function countRedriven(
  notifications: Notifications,
  act: string,
): Promise<Partial<Record<Status, number>>> {
  const byStatus = [{ $match: { bulk_act: act } }, { $group: { _id: '$status', count: { $sum: 1 } } }];
  const rows = await notifications.aggregate<{ _id: Status; count: number }>(byStatus).toArray();
  return Object.fromEntries(rows.map(({ _id, count }) => [_id, count]));
}

/** Gives dead letters up for good; answers how many, chunk by chunk. */
export async function* discardDeadLetters(
  notifications: Notifications,
  filter: DeadLettersInReach,
  options: { change: Change; retentionDays: number },
): AsyncGenerator<number> {
  const stage = transitionStage('discarded', options.change, {
    delete_at: retentionEnd(options.retentionDays),
  });
  for await (const ids of idChunks(notifications, deadNow(filter))) {
    yield await changeDead(notifications, ids, { status: 'discarded' }, updateAll(notifications, [stage]));
  }
}

/** How many dead letters a filter means now. @throws SearchTooWide where it is not to take longer than `withinMs`, and does. */
export function countDeadLetters(
  notifications: Notifications,
  filter: DeadLettersInReach,
  withinMs?: number,
): Promise<number> {
  const options = withinMs === undefined ? {} : { maxTimeMS: withinMs };
  return inReach(notifications.countDocuments(deadLetters(filter), options));
}

/** Dead letters that have the same cause. */
export interface DeadLetterGroup {
  type: Channel;
  code: string | undefined;
  provider: string | undefined;
  count: number;
  /** Words of the newest one. */
  reason: string;
  first: Date;
  last: Date;
}

/** The newest dead letters by their cause, the largest group first; looks at `look` of them at most. @throws SearchTooWide */
export async function groupDeadLetters(
  notifications: Notifications,
  { look, groups }: { look: number; groups: number },
): Promise<DeadLetterGroup[]> {
  const cause = { type: '$type', code: '$error.code', provider: '$error.provider' };
  const rows = await inReach(
    notifications
      .aggregate<DeadLetterGroup & { _id: Pick<DeadLetterGroup, 'type' | 'code' | 'provider'> }>(
        [
          { $match: deadLetters({}) },
          { $sort: { _id: -1 } },
          { $limit: look },
          {
            $group: {
              _id: cause,
              count: { $sum: 1 },
              reason: { $first: '$error.reason' },
              first: { $min: '$updated_at' },
              last: { $max: '$updated_at' },
            },
          },
          { $sort: { count: -1, last: -1 } },
          { $limit: groups },
        ],
        { maxTimeMS: SEARCH_WITHIN_MS },
      )
      .toArray(),
  );
  return rows.map(({ _id, ...group }) => ({ ...group, ..._id }));
}

/**
 * Changes dead letters by `write`, which answers how many it changed; answers how many are changed in all. `changed` finds them. What can be
 * changed leaves the quarantine: nothing is sent from there.
 */
async function changeDead(
  notifications: Notifications,
  ids: string[],
  changed: Filter<Notification>,
  write: (ids: readonly string[]) => Promise<number>,
): Promise<number> {
  const done = await writeIsolated(notifications, 'operate', ids, async (some) =>
    idsChanged(notifications, some, await write(some), changed),
  );
  await notifications.quarantine.remove(done);
  return done.length;
}

function updateAll(notifications: Notifications, pipeline: object[]) {
  return async (ids: readonly string[]): Promise<number> =>
    (await notifications.updateMany(stillDead(ids), pipeline, BY_ID)).modifiedCount;
}

function stillDead(ids: readonly string[]): Filter<Notification> {
  return { _id: { $in: [...ids] }, status: 'failed_permanently' };
}

/** A suppressed record is finished: one that is erased, or whose retention ends within a minute, is as good as gone. */
const STAYS = {
  $or: [
    { delete_at: { $exists: false } },
    { erased_at: { $exists: false }, $expr: { $gt: ['$delete_at', { $add: ['$$NOW', MINUTE] }] } },
  ],
} satisfies Filter<Notification>;

async function operate(
  notifications: Notifications,
  { id, ...reach }: Reach & { id: string },
  from: readonly Status[],
  pipeline: object[],
  more: Filter<Notification> = {},
): Promise<Operated> {
  const wanted = { _id: id, ...within(reach) };
  try {
    const which = { $and: [{ ...wanted, status: { $in: [...from] } }, more] };
    const record = await notifications.findOneAndUpdate(which, pipeline, { returnDocument: 'after' });
    if (record) {
      await notifications.quarantine.remove([id]);
      return { outcome: 'done', record };
    }
  } catch (thrown) {
    if (!isRefusal(thrown)) throw thrown;
    const refusal = describeRefusal(thrown);
    await notifications.quarantine.add(id, { operation: 'operate', ...refusal });
    return { outcome: 'refused', reason: refusal.reason };
  }
  const current = await notifications.findOne(wanted, { projection: { status: 1 } });
  if (!current || from.includes(current.status)) return { outcome: 'missing' };
  return { outcome: 'conflict', state: current.status };
}

const FRESH_LADDER = { retry_count: 0, interrupted: 0 };

function redrivePipeline(change: Change, more: { bulk_act?: string } = {}): object[] {
  const stage = transitionStage('pending', change, {
    ...FRESH_LADDER,
    ...more,
    retried_at: '$$NOW',
    unpublished: true,
  });
  return [stage, { $unset: ['next_retry_time', 'held_since', 'delete_at'] }];
}

function heldPipeline(change: Change, bulk_act: string, delayMs: number): object[] {
  const due = { $add: ['$$NOW', Math.round(delayMs)] };
  return [
    transitionStage('held', change, { ...FRESH_LADDER, bulk_act, retried_at: due, next_retry_time: due }),
    { $unset: ['held_since'] },
  ];
}

/** Those that are dead now: what dies again while we walk is not taken up a second time. */
function deadNow(filter: DeadLettersInReach): Filter<Notification> {
  return { $and: [deadLetters(filter), { updated_at: { $lte: new Date() } }] };
}
