import ical, {
  ICalAttendeeRole,
  ICalAttendeeStatus,
  ICalCalendarMethod,
  ICalEventStatus,
} from 'ical-generator';

/** A meeting as a calendar keeps it. */
export interface CalendarEntry {
  /** The same for every version of the same meeting, all over the world. */
  uid: string;
  /** The version: a calendar takes a higher one in the place of a lower one (RFC 5546 §2.1.4). */
  sequence: number;
  /** REQUEST adds or moves it, CANCEL takes it out. */
  method: 'REQUEST' | 'CANCEL';
  /** When this version was written. */
  stampedAt: Date;
  startsAt: Date;
  endsAt: Date;
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

/**
 * A version of a meeting as iCalendar (RFC 5545, RFC 5546). Nobody is asked to answer: the organizer is the sender of all mail, whose mailbox
 * nobody may read.
 */
export function calendarFile(entry: CalendarEntry): string {
  const calendar = ical({
    prodId: { company: 'Tidings', product: 'Scheduler', language: 'EN' },
    method: ICalCalendarMethod[entry.method],
  });
  calendar.createEvent({
    id: entry.uid,
    sequence: entry.sequence,
    stamp: entry.stampedAt,
    start: entry.startsAt,
    end: entry.endsAt,
    summary: entry.summary,
    description: entry.description,
    status: entry.method === 'CANCEL' ? ICalEventStatus.CANCELLED : ICalEventStatus.CONFIRMED,
    organizer: { name: parameterText(entry.organizer.name), email: entry.organizer.address },
    attendees: [
      {
        name: parameterText(entry.attendee.name),
        email: entry.attendee.address,
        role: ICalAttendeeRole.REQ,
        status: ICalAttendeeStatus.NEEDSACTION,
        rsvp: false,
      },
    ],
  });
  return `${calendar.toString()}\r\n`;
}

/** A value of a parameter by RFC 6868: the package writes quotes with a backslash, which RFC 5545 knows in texts only. A backslash would be doubled. */
function parameterText(text: string): string {
  return text.replaceAll('^', '^^').replaceAll('"', "^'").replaceAll('\\', '/');
}
