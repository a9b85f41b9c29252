import fc from 'fast-check';
import { expect, test } from 'vitest';
import { calendarFile, type CalendarEntry } from '../../../services/producer/grpc/calendar.ts';
import { calendarsByPython } from '../../support/grpc-peer.ts';

/** Letters of one to four bytes, and whatever means something in an iCalendar file. */
const letters = fc.constantFrom(...'a Z , ; : \\ " \' ^ = n N - ü 漢 🙂'.split(' '), ' ', 'END:VEVENT');
const words = fc.string({ unit: letters, minLength: 1, maxLength: 120 });
const lines = fc.array(words, { minLength: 1, maxLength: 4 }).map((some) => some.join('\n'));
/** This parser takes backslashes out of names, which RFC 5545 knows in texts only. */
const names = words.map((name) => name.replaceAll('\\', '/'));
const parties = fc.record({ name: names, address: fc.constantFrom('a@example.org', "o'hara+x@example.org") });
const seconds = fc.integer({ min: 0, max: 4_102_444_800 }).map((at) => new Date(at * 1_000));
const entries: fc.Arbitrary<CalendarEntry> = fc.record({
  uid: fc.constant('meeting-1@tidings.example'),
  sequence: fc.nat(100),
  method: fc.constantFrom('REQUEST', 'CANCEL'),
  stampedAt: seconds,
  startsAt: seconds,
  endsAt: seconds,
  summary: words,
  description: lines,
  organizer: parties,
  attendee: parties,
});

const unixOf = (time: Date): number => time.getTime() / 1_000;
const partyOf = ({ name, address }: CalendarEntry['organizer']) => [name, `mailto:${address}`];

test('another parser reads in an invitation what was written into it, whatever that is', async () => {
  const samples = fc
    .sample(entries, 300)
    .map((entry) => ({ ...entry, endsAt: new Date(entry.startsAt.getTime() + 1_800_000) }));
  const files = samples.map(calendarFile);
  for (const line of files.join('').split('\r\n')) expect(Buffer.byteLength(line)).toBeLessThanOrEqual(75);
  const found = await calendarsByPython(files);
  expect(found).toEqual(
    samples.map((entry) => ({
      method: entry.method,
      status: entry.method === 'CANCEL' ? 'CANCELLED' : 'CONFIRMED',
      sequence: entry.sequence,
      uid: entry.uid,
      startsAt: unixOf(entry.startsAt),
      stampedAt: unixOf(entry.stampedAt),
      minutes: 30,
      summary: entry.summary,
      description: entry.description,
      organizer: partyOf(entry.organizer),
      attendee: partyOf(entry.attendee),
    })),
  );
});

test('what would end a text is escaped, also where a lenient parser would not mind', () => {
  const party = { name: 'A "B" ^', address: 'a@example.org' };
  const at = new Date('2030-01-31T09:00:00Z');
  const more = {
    uid: 'u',
    sequence: 0,
    method: 'REQUEST' as const,
    stampedAt: at,
    startsAt: at,
    endsAt: at,
    organizer: party,
    attendee: party,
  };
  const file = calendarFile({ ...more, summary: 'a, b; c\\d', description: 'one\r\ntwo' });
  const lines = file.split('\r\n');
  expect(lines).toContain('SUMMARY:a\\, b\\; c\\\\d');
  expect(lines).toContain('DESCRIPTION:one\\ntwo');
  expect(lines).toContain('DTSTART:20300131T090000Z');
  expect(lines).toContain(`ORGANIZER;CN="A ^'B^' ^^":mailto:a@example.org`);
});
