/** A meeting as a calendar keeps it. */
export interface CalendarEntry {
  /** The same for the same meeting, all over the world. */
  uid: string;
  /** When this invitation was written. */
  stampedAt: Date;
  startsAt: Date;
  /** ISO 8601, such as PT30M. */
  duration: string;
  summary: string;
  description: string;
  organizer: Party;
  attendee: Party;
}

/** Somebody, by name and e-mail address. */
export interface Party {
  name: string;
  address: string;
}

/** Bytes of a line at most, without its end (RFC 5545 §3.1). */
const LINE_BYTES = 75;

/**
 * An invitation as iCalendar (RFC 5545, as a REQUEST of RFC 5546). Nobody is asked to answer: the organizer is the sender of all mail, whose
 * mailbox nobody may read.
 */
export function invitationFile(entry: CalendarEntry): string {
  const attendee = `CN=${quoted(entry.attendee.name)};ROLE=REQ-PARTICIPANT;PARTSTAT=NEEDS-ACTION;RSVP=FALSE`;
  const lines = [
    'BEGIN:VCALENDAR',
    'VERSION:2.0',
    'PRODID:-//Tidings//Scheduler//EN',
    'METHOD:REQUEST',
    'BEGIN:VEVENT',
    `UID:${escaped(entry.uid)}`,
    `DTSTAMP:${utc(entry.stampedAt)}`,
    `DTSTART:${utc(entry.startsAt)}`,
    `DURATION:${entry.duration}`,
    'SEQUENCE:0',
    'STATUS:CONFIRMED',
    `SUMMARY:${escaped(entry.summary)}`,
    `DESCRIPTION:${escaped(entry.description)}`,
    `ORGANIZER;CN=${quoted(entry.organizer.name)}:mailto:${entry.organizer.address}`,
    `ATTENDEE;${attendee}:mailto:${entry.attendee.address}`,
    'END:VEVENT',
    'END:VCALENDAR',
  ];
  return lines.map((line) => `${folded(line)}\r\n`).join('');
}

/** A text (§3.3.11): what would end it is escaped. */
function escaped(text: string): string {
  return text.replace(/[\\;,]/g, '\\$&').replace(/\r\n|\r|\n/g, '\\n');
}

/** A value of a parameter (§3.2), and its quotes by RFC 6868. */
function quoted(text: string): string {
  return `"${text.replaceAll('^', '^^').replaceAll('"', "^'")}"`;
}

/** 20300131T090000Z */
function utc(time: Date): string {
  return `${time.toISOString().slice(0, 19).replace(/[-:]/g, '')}Z`;
}

/** Cuts a line where it is too long, and never a character in half. */
function folded(line: string): string {
  let bytes = 0;
  let text = '';
  for (const character of line) {
    const size = Buffer.byteLength(character);
    // The next line begins with the space that says that it goes on.
    const isFull = bytes + size > LINE_BYTES;
    text += isFull ? `\r\n ${character}` : character;
    bytes = isFull ? size + 1 : bytes + size;
  }
  return text;
}
