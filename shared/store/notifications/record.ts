import type { Filter } from 'mongodb';
import type { Notification, Status } from '../../contracts/index.ts';
import { FINISHED } from '../../contracts/index.ts';
import { BY_ID, changeStage, retentionEnd, type Change, type Notifications } from './collection.ts';
import { writeIsolated } from './isolated-write.ts';
import { withTimelineEntry } from './timeline.ts';

/** Characters of a reason that a record keeps. */
const MAX_REASON_CHARS = 1_000;

/** The result of one attempt, ready to be recorded. */
export interface Result {
  id: string;
  /** The fence of the claim under which it was obtained. */
  fence: number;
  status: Status;
  change: Change & { attempt: number; ambiguous?: true };
  /** Milliseconds from now, by the database's clock, until it is due again. */
  delayMs?: number;
  /** Of `held`: whether the time counts towards the 72 h after which a hold ends; it does unless told otherwise. */
  countsAsHold?: boolean;
  /** Plain values to set; `undefined` ones are left out. */
  set?: Partial<Pick<Notification, 'retry_count' | 'provider' | 'provider_message_id' | 'error' | 'unread'>>;
}

/**
 * Records results in one bulk. A result whose claim was overtaken matches nothing: it is noted on the timeline, and changes nothing else.
 * Answers the ids that are recorded, also when an earlier try of the same call had recorded them.
 * @throws when the store cannot be reached; the same call can be repeated.
 */
export async function recordResults(
  notifications: Notifications,
  results: readonly Result[],
  retentionDays: number,
): Promise<Set<string>> {
  const recorded = await writeIsolated(notifications, 'record', results.map(withShortReason), (some) =>
    writeResults(notifications, some, retentionDays),
  );
  return new Set(recorded);
}

/** Writes results without isolating what MongoDB refuses; answers the ids that are recorded. */
export async function writeResults(
  notifications: Notifications,
  results: readonly Result[],
  retentionDays: number,
): Promise<Iterable<string>> {
  const operations = [...alike(results)].map((group) => ({
    updateMany: { filter: oursStill(group), update: resultPipeline(group, retentionDays), ...BY_ID },
  }));
  const written = await notifications.bulkWrite(operations, { ordered: false });
  if (written.matchedCount === results.length) return results.map((result) => result.id);
  return findRecorded(notifications, results);
}

/** A provider may answer with a page of text. */
function withShortReason(result: Result): Result {
  const { change, set } = result;
  if ((change.reason?.length ?? 0) <= MAX_REASON_CHARS) return result;
  const reason = `${change.reason?.slice(0, MAX_REASON_CHARS)} …`;
  const error = set?.error && { error: { ...set.error, reason } };
  return { ...result, change: { ...change, reason }, ...(set && { set: { ...set, ...error } }) };
}

/** Results that end alike and differ only in what was said: together they are one statement, at a third of the cost of one each. */
type Group = readonly [Result, ...Result[]];

function alike(results: readonly Result[]): Iterable<Group> {
  const groups = new Map<string, [Result, ...Result[]]>();
  for (const result of results) {
    const { status, fence, delayMs, change, countsAsHold } = result;
    const key = [status, fence, delayMs === undefined, change.ambiguous, countsAsHold].join();
    const group = groups.get(key);
    if (group) group.push(result);
    else groups.set(key, [result]);
  }
  return groups.values();
}

function oursStill(group: Group): Filter<Notification> {
  return { _id: { $in: group.map(({ id }) => id) }, status: 'sending', fence: group[0].fence };
}

function resultPipeline(group: Group, retentionDays: number): object[] {
  const [{ status, delayMs, change, countsAsHold = true }] = group;
  const own = (pick: (result: Result) => unknown, otherwise: string): unknown =>
    ownValue(group, pick, otherwise);
  const finished = (FINISHED as readonly Status[]).includes(status);
  const entry = {
    actor: own((result) => result.change.actor, '$$REMOVE'),
    attempt: own((result) => result.change.attempt, '$$REMOVE'),
    code: own((result) => result.change.code, '$$REMOVE'),
    reason: own((result) => result.change.reason, '$$REMOVE'),
    ...(change.ambiguous && { ambiguous: true }),
  };
  const keys = new Set(group.flatMap(({ set = {} }) => Object.keys(set) as (keyof typeof set)[]));
  const stage = changeStage(status, entry, {
    ...Object.fromEntries([...keys].map((key) => [key, own(({ set }) => set?.[key], `$${key}`)])),
    ...(delayMs !== undefined && { next_retry_time: { $add: ['$$NOW', own((one) => one.delayMs, '')] } }),
    ...(status === 'held' && countsAsHold && { held_since: { $ifNull: ['$held_since', '$$NOW'] } }),
    ...(status === 'sent' && { sent_at: '$$NOW' }),
    ...(change.ambiguous && { ambiguous_count: { $add: ['$ambiguous_count', 1] } }),
    ...(finished && { delete_at: retentionEnd(retentionDays) }),
  });
  const gone = ['claim', 'lease_until', ...(status === 'held' ? [] : ['held_since'])];
  return [stage, { $unset: status === 'sent' ? [...gone, 'error'] : gone }];
}

/** The expression of a value that each record of a group has its own of: a literal where all have the same, else found by the record's id. */
function ownValue(group: Group, pick: (result: Result) => unknown, otherwise: string): unknown {
  const values = group.map(pick);
  const [first] = values;
  if (values.every((value) => value === first)) return first === undefined ? otherwise : { $literal: first };
  const position = { $indexOfArray: [{ $literal: group.map(({ id }) => id) }, '$_id'] };
  const texts = values.map((value) => value ?? null);
  return { $ifNull: [{ $arrayElemAt: [{ $literal: texts }, position] }, otherwise] };
}

/** Tells what is recorded from what was overtaken, and notes the late results. */
async function findRecorded(notifications: Notifications, results: readonly Result[]): Promise<Set<string>> {
  const ids = results.map((result) => result.id);
  const found = await notifications
    .find({ _id: { $in: ids } }, { projection: { status: 1, fence: 1 } })
    .toArray();
  const byId = new Map(found.map((record) => [record._id, record]));
  const isRecorded = ({ id, fence }: Result): boolean => {
    const record = byId.get(id);
    return record !== undefined && record.fence === fence && record.status !== 'sending';
  };
  const late = results.filter((result) => !isRecorded(result));
  await Promise.all(late.map((result) => noteLateResult(notifications, result)));
  return new Set(results.filter(isRecorded).map((result) => result.id));
}

/** Somebody else holds the claim now, but what the provider answered must not be forgotten. */
async function noteLateResult(
  notifications: Notifications,
  { id, change, status, set }: Result,
): Promise<void> {
  const answer = [set?.provider, set?.provider_message_id].filter(Boolean).join(' ');
  const entry = {
    at: '$$NOW',
    status: '$status',
    actor: { $literal: change.actor },
    attempt: change.attempt,
    code: 'late_result',
    reason: { $literal: `an overtaken attempt ended as ${status} ${answer}`.trim() },
    ambiguous: true,
  };
  // Of whom is erased nothing is noted any more.
  await notifications.updateOne({ _id: id, erased_at: { $exists: false } }, [
    { $set: withTimelineEntry(entry) },
  ]);
}
