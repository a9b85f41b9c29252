import { CANCELABLE, type Notification, type Status } from '../../contracts/index.ts';
import { DAY } from '../../runtime/duration.ts';
import { describeRefusal, isRefusal } from '../refusal.ts';
import type { Quarantined } from '../quarantine.ts';
import {
  BY_ID,
  WITHOUT_FILES,
  retentionEnd,
  transitionStage,
  type Change,
  type Notifications,
} from './collection.ts';
import { writeResults } from './record.ts';
import { withTimelineEntry } from './timeline.ts';
import { literals } from '../literals.ts';

/** What became of an operator's order about a quarantined record. `refused`: MongoDB still refuses to write it. */
export type Released =
  | { outcome: 'released'; record: Notification }
  | { outcome: 'refused'; reason: string }
  | { outcome: 'missing' };

/**
 * Writes a quarantined record again: its known result, where there is one, else a note on its timeline. Where MongoDB takes it, the record
 * leaves the quarantine and goes on; the caller publishes it if it is pending.
 */
export async function retryQuarantined(
  notifications: Notifications,
  id: string,
  options: { change: Change; retentionDays: number },
): Promise<Released> {
  const entry = await notifications.quarantine.get(id);
  if (!entry || entry.discarded_at) return { outcome: 'missing' };
  return release(notifications, entry, async () => {
    if (entry.result) await writeResults(notifications, [entry.result], options.retentionDays);
    await noteRetry(notifications, id, options.change);
  });
}

/** Gives a quarantined record up. Where MongoDB refuses that as well, the entry says it, and retention deletes both. */
export async function discardQuarantined(
  notifications: Notifications,
  id: string,
  { change, retentionDays }: { change: Change; retentionDays: number },
): Promise<Released> {
  const entry = await notifications.quarantine.get(id);
  if (!entry || entry.discarded_at) return { outcome: 'missing' };
  const stage = transitionStage('discarded', change, { delete_at: retentionEnd(retentionDays) });
  const discarded = await release(notifications, entry, async () => {
    const from = { _id: id, status: { $in: [...DISCARDABLE] } };
    await notifications.updateOne(
      from,
      [stage, { $unset: ['next_retry_time', 'claim', 'lease_until'] }],
      BY_ID,
    );
  });
  if (discarded.outcome === 'refused') await notifications.quarantine.markDiscarded(id);
  return discarded;
}

/** Deletes records that were discarded in quarantine and whose retention is over; answers how many. */
export async function deleteDiscarded(notifications: Notifications, retentionDays: number): Promise<number> {
  const ids = await notifications.quarantine.discardedBefore(new Date(Date.now() - retentionDays * DAY));
  if (ids.length === 0) return 0;
  const { deletedCount } = await notifications.deleteMany({ _id: { $in: ids } }, BY_ID);
  await notifications.quarantine.remove(ids);
  return deletedCount;
}

const DISCARDABLE = [
  ...CANCELABLE,
  'sending',
  'failed_permanently',
  'outcome_unknown',
] as const satisfies Status[];

/** Does a write that was refused before; the record leaves the quarantine where it works now. */
async function release(
  notifications: Notifications,
  { _id }: Quarantined,
  write: () => Promise<void>,
): Promise<Released> {
  try {
    await write();
  } catch (thrown) {
    if (!isRefusal(thrown)) throw thrown;
    const refusal = describeRefusal(thrown);
    await notifications.quarantine.update(_id, refusal);
    return { outcome: 'refused', reason: refusal.reason };
  }
  await notifications.quarantine.remove([_id]);
  const record = await notifications.findOne({ _id }, { projection: WITHOUT_FILES });
  return record ? { outcome: 'released', record } : { outcome: 'missing' };
}

/** `unpublished`: its message was acknowledged when the record was quarantined, so the relay and the due sweep publish another. */
async function noteRetry(notifications: Notifications, _id: string, change: Change): Promise<void> {
  const entry = { at: '$$NOW', status: '$status', ...literals(change) };
  const waits = { $in: ['$status', ['pending', 'failed']] };
  const unpublished = { $cond: [waits, true, '$unpublished'] };
  await notifications.updateOne({ _id }, [{ $set: { ...withTimelineEntry(entry), unpublished } }], BY_ID);
}
