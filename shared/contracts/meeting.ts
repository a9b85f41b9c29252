import { z } from 'zod';
import { MINUTE, SECOND } from '../runtime/duration.ts';
import { emailAddress } from './email-address.ts';
import { line, text, userId } from './fields.ts';

/** How late a meeting may be asked for, in milliseconds: clocks differ, and a call takes its time. */
const GRACE_MS = MINUTE;
/** The last second that ISO 8601 writes with four digits; who sends milliseconds is far beyond it. */
const LAST_SECOND = Date.parse('9999-12-31T23:59:59Z') / SECOND;

/** A caller's own id of a meeting. */
const MEETING_ID = line(200);

/** MeetRequest of scheduler.proto, whose names these are. proto3 has no missing fields: they are empty, or 0. */
export const meetRequestSchema = z.object({
  empid: userId,
  emailID: emailAddress,
  message: text(10_000),
  empName: line(200),
  timestamp: z.coerce
    .number()
    .int()
    .max(LAST_SECOND, { error: 'must be Unix time in seconds, not milliseconds' })
    .refine((seconds) => seconds * SECOND >= Date.now() - GRACE_MS, {
      error: 'is in the past: must be Unix time in seconds, at most a minute ago',
    })
    .transform((seconds) => new Date(seconds * SECOND)),
  meeting_id: z.union([z.literal(''), MEETING_ID]),
});

/** CancelMeetRequest of scheduler.proto. */
export const cancelMeetRequestSchema = z.object({ empid: line(256), meeting_id: MEETING_ID });

/** A meeting to invite one person to. */
export type MeetRequest = z.output<typeof meetRequestSchema>;
/** A meeting to cancel for one person. */
export type CancelMeetRequest = z.output<typeof cancelMeetRequestSchema>;
