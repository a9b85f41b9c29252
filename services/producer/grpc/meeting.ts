import { createHash } from 'node:crypto';
import { join } from 'node:path';
import ejs from 'ejs';
import addressParser from 'nodemailer/lib/addressparser';
import type { Attachment, MeetRequest, NotificationRequest } from '../../../shared/contracts/index.ts';
import { PROJECT_ROOT } from '../../../shared/runtime/project-root.ts';
import { invitationFile, type Party } from './calendar.ts';

const TEMPLATES = join(PROJECT_ROOT, 'views/mails');
/** A request says when a meeting begins, and not when it ends. */
const DURATION = 'PT30M';
/** Characters of the first line that are the subject. */
const SUBJECT_CHARS = 200;

/** What is one meeting of one person: whoever asks for it again gets the same one. */
export function meetingKey({ empid, message, timestamp }: MeetRequest): string {
  const parts = JSON.stringify([empid, message, timestamp.getTime()]);
  return `meeting-${createHash('sha256').update(parts).digest('base64url')}`;
}

/** The invitation to a meeting: a mail with its calendar entry, sent when the meeting begins. `from`: MAIL_FROM. */
export async function invitationOf(
  meeting: MeetRequest,
  { from, now }: { from: string; now: Date },
): Promise<NotificationRequest> {
  const { empid, emailID, empName, message, timestamp } = meeting;
  const title = titleOf(message);
  const words = { name: empName, title, message, when: inWords(timestamp) };
  return {
    user_id: empid,
    type: 'email',
    email: emailID,
    subject: `Invitation: ${title}`,
    message: await render('meeting-text', words),
    html: await render('meeting-html', words),
    attachments: [calendarFile(meeting, { title, organizer: partyOf(from), now })],
    send_at: timestamp,
  };
}

function calendarFile(
  meeting: MeetRequest,
  { title, organizer, now }: { title: string; organizer: Party; now: Date },
): Attachment {
  const text = invitationFile({
    uid: `${meetingKey(meeting)}@${organizer.address.slice(organizer.address.lastIndexOf('@') + 1)}`,
    stampedAt: now,
    startsAt: meeting.timestamp,
    duration: DURATION,
    summary: title,
    description: meeting.message,
    organizer,
    attendee: { name: meeting.empName, address: meeting.emailID },
  });
  const content_type = 'text/calendar; method=REQUEST; charset=utf-8';
  return { filename: 'invitation.ics', content_type, content: Buffer.from(text).toString('base64') };
}

function titleOf(message: string): string {
  const [first = ''] = message.trim().split(/[\r\n]+/);
  return Array.from(first.replace(/\s+/g, ' ')).slice(0, SUBJECT_CHARS).join('');
}

/** MAIL_FROM may be quoted as a header may. */
function partyOf(from: string): Party {
  const [party] = addressParser(from, { flatten: true });
  return { name: party?.name ?? '', address: party?.address ?? '' };
}

/** Nobody has told us the person's zone. */
function inWords(time: Date): string {
  const date = new Intl.DateTimeFormat('en-GB', { dateStyle: 'full', timeZone: 'UTC' }).format(time);
  return `${date}, ${time.toISOString().slice(11, 16)} UTC`;
}

function render(template: string, words: object): Promise<string> {
  return ejs.renderFile(join(TEMPLATES, `${template}.ejs`), words, { cache: true });
}
