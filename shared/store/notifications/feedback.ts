import type { Filter } from 'mongodb';
import {
  AWAITING_ATTEMPT,
  AWAITING_FEEDBACK,
  MOVING,
  addressOf,
  type Feedback,
  type Notification,
  type Status,
} from '../../contracts/index.ts';
import { SECOND } from '../../runtime/duration.ts';
import type { EarlyFeedback, EarlyFeedbacks } from '../early-feedback.ts';
import { literals } from '../literals.ts';
import { isRefusal } from '../refusal.ts';
import { suppressionIdOf, suppressionOf, type Suppressions } from '../suppressions.ts';
import { retentionEnd, transitionStage, type Notifications } from './collection.ts';
import { writeIsolated } from './isolated-write.ts';
import { withTimelineEntry } from './timeline.ts';

/** A pass over kept feedback ends after so long, in milliseconds; the next one goes on. */
const PASS_MS = 10 * SECOND;

/** What feedback works on. */
export interface FeedbackStores {
  notifications: Notifications;
  suppressions: Suppressions;
  early: EarlyFeedbacks;
  retentionDays: number;
}

/**
 * What became of feedback: the record went where it says; it waits, for the record is not that far; it changes nothing, for the record
 * is beyond it; or there is no such record.
 */
export type Heard = 'moved' | 'waits' | 'unchanged' | 'missing';

/** What is read of a record to judge feedback. */
const LOOKED_AT = {
  status: 1,
  erased_at: 1,
  ambiguous_count: 1,
  provider_message_id: 1,
  type: 1,
  email: 1,
  phone: 1,
  user_id: 1,
} as const;
type LookedAt = Pick<Notification, '_id' | keyof typeof LOOKED_AT>;

/**
 * Takes the word of a provider: when this resolves, it is in the store. It moves what is `sent` or `outcome_unknown`, once, and never back; what
 * waits for another attempt after an ambiguous one it moves to `delivered`, so that nobody gets it twice; an address that takes nothing any more is suppressed before the state says so.
 */
export async function hearFeedback(stores: FeedbackStores, heard: Feedback): Promise<Heard> {
  const feedback = await stores.early.firstOf(heard);
  const [record] = await look(stores.notifications, [feedback.notification_id]);
  if (!record) return 'missing';
  const stand = standOf(record, feedback);
  if (stand === 'beyond') {
    await unlessRefused(() => noteLateReport(stores.notifications, record, feedback));
    return 'unchanged';
  }
  if (stand === 'there') {
    if (feedback.isForGood || feedback.suppressAfter) await suppress(stores.suppressions, record, feedback);
    if (feedback.status === 'delivered') await forgetSoftBounces(stores.suppressions, record);
    if (await moveIsolated(stores, feedback)) return 'moved';
  }
  // Not there yet, or it has moved since we looked: the scheduler looks again.
  await stores.early.keep(feedback);
  return 'waits';
}

/**
 * Hears what was kept and whose record has got there since; answers how many moved. One that cannot be heard stays, and stops none behind it.
 * @throws the first trouble, once all the others were heard.
 */
export async function hearEarlyFeedback(stores: FeedbackStores): Promise<number> {
  let moved = 0;
  const troubles: unknown[] = [];
  const endBy = performance.now() + PASS_MS;
  for await (const kept of stores.early.inTurn()) {
    for (const feedback of await dueOf(stores.notifications, kept)) {
      try {
        if ((await hearKept(stores, feedback)) === 'moved') moved += 1;
      } catch (thrown) {
        troubles.push(thrown);
      }
    }
    if (performance.now() > endBy) break;
  }
  if (troubles.length > 0) throw troubles[0];
  return moved;
}

async function hearKept(stores: FeedbackStores, feedback: EarlyFeedback): Promise<Heard> {
  const heard = await hearFeedback(stores, feedback);
  if (heard !== 'waits') await stores.early.drop(feedback);
  return heard;
}

/** Those for which there is nothing more to wait. A quarantined record cannot be written. */
async function dueOf(notifications: Notifications, kept: EarlyFeedback[]): Promise<EarlyFeedback[]> {
  const ids = kept.map(({ notification_id }) => notification_id);
  const quarantined = await notifications.quarantine.among(ids);
  const byId = new Map((await look(notifications, ids)).map((record) => [record._id, record]));
  return kept.filter((feedback) => {
    const record = byId.get(feedback.notification_id);
    if (quarantined.has(feedback.notification_id)) return false;
    return record === undefined || standOf(record, feedback) !== 'before';
  });
}

function look(notifications: Notifications, ids: string[]): Promise<LookedAt[]> {
  return notifications.find<LookedAt>({ _id: { $in: ids } }, { projection: LOOKED_AT }).toArray();
}

/** Where a record stands, seen from feedback: before it, there, or beyond it. Of whom is erased nothing is noted any more. */
function standOf(record: LookedAt, feedback: Feedback): 'before' | 'there' | 'beyond' {
  if (record.erased_at) return 'beyond';
  const isOneOf = (statuses: readonly Status[]): boolean => statuses.includes(record.status);
  if (feedback.status === 'delivered' && isOneOf(AWAITING_ATTEMPT) && record.ambiguous_count > 0)
    return 'there';
  if (isOneOf(MOVING)) return 'before';
  return isOneOf(AWAITING_FEEDBACK) && isOfIt(record, feedback) ? 'there' : 'beyond';
}

/** Whatever hand-over reached the person, the person has it; but that one came back says nothing about another. */
function isOfIt(
  { provider_message_id: ours }: LookedAt,
  { status, provider_message_id: theirs }: Feedback,
): boolean {
  return status === 'delivered' || isSameHandOver(ours, theirs);
}

async function suppress(suppressions: Suppressions, record: LookedAt, feedback: Feedback): Promise<void> {
  const { actor, code = 'bounced', reason, provider, suppressAfter } = feedback;
  const by = { actor, code, provider, ...(reason !== undefined && { reason }) };
  const suppression = suppressionOf(record, by);
  if (suppression) await suppressions.add(suppression, suppressAfter);
}

/** An address that takes something is not on its way to the suppression list. */
async function forgetSoftBounces(suppressions: Suppressions, record: LookedAt): Promise<void> {
  const to = addressOf(record);
  if (to) await suppressions.softBounces.forget(suppressionIdOf(to.channel, to.address));
}

/** One that MongoDB refuses is quarantined, and its feedback kept until it is released. */
async function moveIsolated(stores: FeedbackStores, feedback: Feedback): Promise<boolean> {
  const moved = await writeIsolated(stores.notifications, 'record', [feedback.notification_id], async () => [
    await move(stores, feedback),
  ]);
  return moved.includes(true);
}

async function move({ notifications, retentionDays }: FeedbackStores, feedback: Feedback): Promise<boolean> {
  const { notification_id: _id, status, actor, code, reason, provider, provider_message_id } = feedback;
  const arrived = { status: { $in: [...AWAITING_ATTEMPT] }, ambiguous_count: { $gt: 0 } };
  const filter: Filter<Notification> = {
    _id,
    $or: [{ status: { $in: [...AWAITING_FEEDBACK] } }, ...(status === 'delivered' ? [arrived] : [])],
    erased_at: { $exists: false },
  };
  const by = { $ifNull: ['$provider', { $literal: provider }] };
  const words = { ...(code !== undefined && { code }), ...(reason !== undefined && { reason }) };
  const stage = transitionStage(
    status,
    { actor, ...words },
    {
      ...(status === 'bounced' && {
        error: { code: 'bounced', reason: '', ...literals(words), provider: by },
      }),
      provider: by,
      provider_message_id: {
        $ifNull: ['$provider_message_id', { $literal: provider_message_id ?? null }, '$$REMOVE'],
      },
      sent_at: { $ifNull: ['$sent_at', '$$NOW'] },
      delete_at: { $ifNull: ['$delete_at', retentionEnd(retentionDays)] },
    },
  );
  const pipeline =
    status === 'delivered' ? [stage, { $unset: ['error', 'next_retry_time', 'held_since'] }] : [stage];
  return (await notifications.updateOne(filter, pipeline)).matchedCount > 0;
}

/** Writes a note; one that MongoDB refuses is left out, for it changes nothing and is worth no quarantine. */
async function unlessRefused(write: () => Promise<unknown>): Promise<void> {
  try {
    await write();
  } catch (thrown) {
    if (!isRefusal(thrown)) throw thrown;
  }
}

/** The code of the timeline entry about a mail that came back and was not understood. */
const NOT_UNDERSTOOD = 'report_not_understood';

/** Notes on the timeline, once, that a mail came back that was not understood: a person can look for it. The status stays. */
export async function noteUnreadReport(notifications: Notifications, id: string, why: string): Promise<void> {
  const entry = {
    at: '$$NOW',
    status: '$status',
    actor: 'callback:dsn',
    code: NOT_UNDERSTOOD,
    reason: { $literal: why.slice(0, 500) },
  };
  const unnoted = { _id: id, erased_at: { $exists: false }, 'timeline.code': { $ne: NOT_UNDERSTOOD } };
  await unlessRefused(() => notifications.updateOne(unnoted, [{ $set: withTimelineEntry(entry) }]));
}

/**
 * Notes a report on the timeline of a record that it does not move, once for each of the two that there are: that a dead letter was
 * delivered after all is worth knowing. What the record says already is not noted.
 */
async function noteLateReport(
  notifications: Notifications,
  record: LookedAt,
  { notification_id: _id, status, actor, code, reason, provider_message_id }: Feedback,
): Promise<void> {
  const isKnown = record.status === status && isSameHandOver(record.provider_message_id, provider_message_id);
  if (isKnown) return;
  const words = [`reported as ${status}`, provider_message_id, code, reason].filter(Boolean).join(', ');
  const entry = {
    at: '$$NOW',
    status: '$status',
    ...literals({ actor, code: `reported_${status}`, reason: words }),
  };
  const unnoted = { 'timeline.code': { $ne: `reported_${status}` }, erased_at: { $exists: false } };
  await notifications.updateOne({ _id, ...unnoted }, [{ $set: withTimelineEntry(entry) }]);
}

function isSameHandOver(ours: string | undefined, theirs: string | undefined): boolean {
  return ours === undefined || theirs === undefined || ours === theirs;
}
