import {
  CANCELABLE,
  type MeetRequest,
  type Notification,
  type Status,
} from '../../../shared/contracts/index.ts';
import { SECOND } from '../../../shared/runtime/duration.ts';
import { notificationsByKey, type Notifications } from '../../../shared/store/index.ts';
import type { Handover, Received } from '../accept/reception.ts';
import type { Identity } from '../access/identity.ts';
import { Problem } from '../api/problem.ts';
import type { ProducerContext } from '../context.ts';
import { cancel } from '../steering.ts';
import { changeableKey, keptMeetingSchema, meetingMail, type MeetingVersion } from './meeting.ts';

/** Versions that one meeting may have. */
const MAX_VERSIONS = 100;
/** Versions that others may make of the same meeting while one is made. */
const TRIES = 3;

/** One version of a meeting that is stored: each is a notification, and its idempotency key says which version of which meeting. */
interface Version {
  number: number;
  record: Notification;
  isCancellation: boolean;
}

/** What keeping versions needs. */
export type VersionsContext = Pick<ProducerContext, 'reception' | 'config' | 'notifications' | 'audit'>;

/** Who asks, and for how long. */
export type Asking = Pick<Handover, 'withinMs' | 'signal'> & { identity: Identity };

/** Schedules a meeting with an id: the first version, the same as before, or a new one, which replaces those that were not sent yet. */
export async function scheduleVersion(
  context: VersionsContext,
  meeting: MeetRequest,
  asking: Asking & { body: unknown },
): Promise<Received> {
  const { identity, body } = asking;
  const key = changeableKey(meeting, identity.actor);
  const versions = await versionsOf(context.notifications, identity.actor, key);
  const wasSent = sinceCancellation(versions).some(({ record }) => isOut(record));
  const { meeting_id: meetingId, timestamp, ...words } = meeting;
  // Who has the earlier one in the calendar learns of the change at once.
  const sendAt = wasSent ? undefined : timestamp;
  const received = await receiveNext(context, versions, {
    ...{ ...asking, key, body },
    version: { ...words, timestamp, key, meetingId, method: 'REQUEST', sendAt },
  });
  if (received.outcome === 'stored' || received.outcome === 'replayed')
    await cancelEarlier(context, key, received.record);
  return received;
}

/**
 * Cancels a meeting: what was not sent is not sent, and after what was, a cancellation is.
 * @throws Problem where there is no such meeting.
 */
export async function cancelMeeting(
  context: VersionsContext,
  meeting: Pick<MeetRequest, 'empid' | 'meeting_id'>,
  asking: Asking,
): Promise<Notification | Received> {
  const { actor } = asking.identity;
  const key = changeableKey(meeting, actor);
  const versions = await versionsOf(context.notifications, actor, key);
  const last = versions.at(-1);
  const kept = keptMeetingSchema.safeParse(last?.record.data?.meeting).data;
  if (last === undefined || kept === undefined)
    throw new Problem('not_found', { detail: 'This person has no meeting with this meeting_id.' });
  if (last.isCancellation) return last.record;
  const current = sinceCancellation(versions);
  const operated = await Promise.all(current.map(({ record }) => cancel(context, record._id, { actor })));
  const isTooLate = operated.some((one) => one.outcome === 'conflict' && one.state !== 'canceled');
  if (!isTooLate && !current.some(({ record }) => isOut(record))) return last.record;
  const { empName, message, meeting_id: meetingId } = kept;
  const words = { empid: meeting.empid, emailID: last.record.email ?? '', empName, message };
  const timestamp = new Date(kept.timestamp * SECOND);
  return receiveNext(context, versions, {
    ...{ ...asking, key, body: { canceled: meeting.meeting_id } },
    version: { ...words, timestamp, key, meetingId, method: 'CANCEL' },
  });
}

/** In the order of their numbers. */
async function versionsOf(notifications: Notifications, caller: string, key: string): Promise<Version[]> {
  const keys = Array.from({ length: MAX_VERSIONS }, (_, number) => versionKey(key, number));
  const records = await notificationsByKey(notifications, caller, keys);
  return records.map(versionIn).sort((one, other) => one.number - other.number);
}

function versionIn(record: Notification): Version {
  const kept = keptMeetingSchema.safeParse(record.data?.meeting).data;
  return { number: numberOf(record), record, isCancellation: kept?.canceled ?? false };
}

function versionKey(key: string, number: number): string {
  return `${key}/${number}`;
}

function numberOf({ idempotency_key = '' }: Notification): number {
  return Number(idempotency_key.slice(idempotency_key.lastIndexOf('/') + 1));
}

/** Those that are behind the last cancellation: what came before is out of the calendar. */
function sinceCancellation(versions: readonly Version[]): Version[] {
  return versions.slice(versions.findLastIndex(({ isCancellation }) => isCancellation) + 1);
}

/** Whether its person may have it. */
function isOut({ status, ambiguous_count }: Notification): boolean {
  return ambiguous_count > 0 || (status !== 'canceled' && !isCancelable(status));
}

function isCancelable(status: Status): boolean {
  return CANCELABLE.some((one) => one === status);
}

/** Stores a version under the last number where it says the same, else under the next: of several at once each gets its own. */
async function receiveNext(
  { reception, config }: VersionsContext,
  versions: readonly Version[],
  {
    key,
    body,
    version,
    ...asking
  }: Asking & { key: string; body: unknown; version: Omit<MeetingVersion, 'sequence'> },
): Promise<Received> {
  const last = versions.at(-1);
  // One that was canceled is not sent again, whatever it says.
  const first = (last?.number ?? 0) + (last?.record.status === 'canceled' ? 1 : 0);
  for (let sequence = first; sequence < first + TRIES && sequence < MAX_VERSIONS; sequence += 1) {
    const mail = await meetingMail({ ...version, sequence }, { from: config.MAIL_FROM, now: new Date() });
    const received = await reception.receive(mail, {
      ...asking,
      keyed: { key: versionKey(key, sequence), body },
    });
    if (received.outcome !== 'conflict') return received;
  }
  const message = `was changed by too many calls at once, or ${MAX_VERSIONS} times; call again, or use another one`;
  throw new Problem('validation_failed', { errors: [{ field: 'meeting_id', message }] });
}

/** Cancels invitations that a later version replaces, also those of simultaneous calls. One that is just being sent stays: the later one replaces it in the calendar. */
async function cancelEarlier(context: VersionsContext, key: string, than: Notification): Promise<void> {
  const { caller } = than;
  const earlier = (await versionsOf(context.notifications, caller, key)).filter(
    ({ number, record, isCancellation }) =>
      number < numberOf(than) && !isCancellation && isCancelable(record.status),
  );
  await Promise.all(earlier.map(({ record }) => cancel(context, record._id, { actor: caller, caller })));
}
