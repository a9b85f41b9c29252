import { createHash } from 'node:crypto';
import { join } from 'node:path';
import ejs from 'ejs';
import { z } from 'zod';
import {
  mailboxOf,
  type Attachment,
  type MeetRequest,
  type NotificationRequest,
} from '../../../shared/contracts/index.ts';
import { MINUTE, SECOND } from '../../../shared/runtime/duration.ts';
import { PROJECT_ROOT } from '../../../shared/runtime/project-root.ts';
import { calendarFile, type CalendarEntry, type Party } from './calendar.ts';

const TEMPLATES = join(PROJECT_ROOT, 'views/mails');
/** A request says when a meeting begins, and not when it ends. Milliseconds. */
const DURATION_MS = 30 * MINUTE;
/** Characters of the first line that are the subject. */
const SUBJECT_CHARS = 200;

/** What the mails about a meeting say of it, as it is kept with each of them, for a later cancellation. */
export const keptMeetingSchema = z.object({
  meeting_id: z.string(),
  empName: z.string(),
  message: z.string(),
  timestamp: z.int(),
  canceled: z.boolean(),
});

/** One version of a meeting, for one person. */
export interface MeetingVersion extends Pick<
  MeetRequest,
  'empid' | 'emailID' | 'empName' | 'message' | 'timestamp'
> {
  /** The same for all versions: makes the UID. */
  key: string;
  /** The number of the version, from 0. */
  sequence: number;
  /** The caller's id of the meeting; without it, it cannot be changed. */
  meetingId?: string | undefined;
  method: CalendarEntry['method'];
  /** When to send it; at once where it is not given. */
  sendAt?: Date | undefined;
}

/** What is one meeting of one person. Without an id it is its content: a repeated request means the same one. */
export function meetingKey({ empid, message, timestamp, meeting_id }: MeetRequest, caller: string): string {
  if (meeting_id !== '') return changeableKey({ empid, meeting_id }, caller);
  return digest([empid, message, timestamp.getTime()]);
}

/** What is one meeting of one person, by the caller's id of it. */
export function changeableKey(
  { empid, meeting_id }: Pick<MeetRequest, 'empid' | 'meeting_id'>,
  caller: string,
): string {
  return digest([caller, empid, { meeting_id }]);
}

function digest(parts: unknown[]): string {
  return `meeting-${createHash('sha256').update(JSON.stringify(parts)).digest('base64url')}`;
}

/** The mail about one version of a meeting, with its calendar entry. `from`: MAIL_FROM. */
export async function meetingMail(
  version: MeetingVersion,
  { from, now }: { from: string; now: Date },
): Promise<NotificationRequest> {
  const { empid, emailID, empName, message, timestamp, method, sendAt } = version;
  const title = titleOf(message);
  const isCanceled = method === 'CANCEL';
  const words = { name: empName, title, message, when: inWords(timestamp), isCanceled };
  return {
    user_id: empid,
    type: 'email',
    email: emailID,
    subject: `${headingOf(version)}: ${title}`,
    message: await render('meeting-text', words),
    html: await render('meeting-html', words),
    attachments: [fileOf(version, { title, organizer: partyOf(from), now })],
    ...(version.meetingId !== undefined && { data: { meeting: keptOf(version, version.meetingId) } }),
    ...(sendAt && { send_at: sendAt }),
  };
}

function headingOf({ method, sequence }: MeetingVersion): string {
  if (method === 'CANCEL') return 'Canceled';
  return sequence === 0 ? 'Invitation' : 'Updated invitation';
}

function keptOf(
  { empName, message, timestamp, method }: MeetingVersion,
  meeting_id: string,
): z.output<typeof keptMeetingSchema> {
  const seconds = timestamp.getTime() / SECOND;
  return { meeting_id, empName, message, timestamp: seconds, canceled: method === 'CANCEL' };
}

function fileOf(
  { key, sequence, method, timestamp, message, empName, emailID }: MeetingVersion,
  { title, organizer, now }: { title: string; organizer: Party; now: Date },
): Attachment {
  const text = calendarFile({
    uid: `${key}@${organizer.address.slice(organizer.address.lastIndexOf('@') + 1)}`,
    sequence,
    method,
    stampedAt: now,
    startsAt: timestamp,
    endsAt: new Date(timestamp.getTime() + DURATION_MS),
    summary: title,
    description: message,
    organizer,
    attendee: { name: empName, address: emailID },
  });
  const content_type = `text/calendar; method=${method}; charset=utf-8`;
  const filename = method === 'CANCEL' ? 'cancellation.ics' : 'invitation.ics';
  return { filename, content_type, content: Buffer.from(text).toString('base64') };
}

function titleOf(message: string): string {
  const [first = ''] = message.trim().split(/[\r\n]+/);
  return Array.from(first.replace(/\s+/g, ' ')).slice(0, SUBJECT_CHARS).join('');
}

function partyOf(from: string): Party {
  const { name = '', address = from } = mailboxOf(from) ?? {};
  return { name, address };
}

/** Nobody has told us the person's zone. */
function inWords(time: Date): string {
  const date = new Intl.DateTimeFormat('en-GB', { dateStyle: 'full', timeZone: 'UTC' }).format(time);
  return `${date}, ${time.toISOString().slice(11, 16)} UTC`;
}

function render(template: string, words: object): Promise<string> {
  return ejs.renderFile(join(TEMPLATES, `${template}.ejs`), words, { cache: true });
}
