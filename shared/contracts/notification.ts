import { z } from 'zod';
import { CHANNEL_NAMES, LANES } from './channels.ts';
import { storedAttachmentSchema } from './attachments.ts';
import { STATUSES } from './states.ts';

/** What a hand-over whose answer was lost leads to: try again, or wait for a person. */
export const ON_AMBIGUOUS = ['retry', 'hold'] as const;

/** One state change: when, into what, by whom and why. `at` is the database's time. */
export const timelineEntrySchema = z.object({
  at: z.date(),
  status: z.enum(STATUSES),
  actor: z.string().describe('Who: api, web, or the service that did it'),
  attempt: z.int().optional().describe('Number of the attempt that this belongs to'),
  reason: z.string().optional().describe('Why, in words'),
  code: z.string().optional().describe("Stable code: ours, or the provider's, such as 550 or 21211"),
  ambiguous: z.literal(true).optional().describe('Set when it is unknown whether the provider took it'),
});

/** One entry of a notification's timeline. */
export type TimelineEntry = z.output<typeof timelineEntrySchema>;

/** Why the last attempt did not end in `sent`. */
export const deliveryErrorSchema = z.object({
  code: z.string(),
  reason: z.string(),
  provider: z.string().optional(),
});

/**
 * How many entries a timeline keeps: the first say how it began, the last how it goes on. MongoDB refuses a document above 16 MB, and a
 * notification that is deferred again and again would reach that.
 */
export const TIMELINE_KEEPS = { first: 20, last: 80 } as const;

/** The record of a notification: the one document that MongoDB holds for it. */
export const notificationSchema = z.object({
  _id: z.string().describe('UUID v7: sorts by the time of acceptance'),
  user_id: z.string(),
  type: z.enum(CHANNEL_NAMES),
  lane: z.enum(LANES),
  message: z.string(),
  subject: z.string().optional(),
  html: z.string().optional(),
  email: z.string().optional(),
  from: z.string().optional().describe('Who sends the e-mail, when it is not MAIL_FROM'),
  reply_to: z.string().optional(),
  attachments: z.array(storedAttachmentSchema).optional(),
  phone: z.string().optional().describe('E.164'),
  carrier: z.string().optional().describe('Whose gateway makes a text of a mail'),
  via: z.string().optional().describe('The one provider that its sender chose'),
  data: z.record(z.string(), z.unknown()).optional(),
  on_ambiguous: z.enum(ON_AMBIGUOUS),
  send_at: z.date().optional(),
  expires_at: z.date().optional(),

  status: z.enum(STATUSES),
  moved: z
    .string()
    .optional()
    .describe('Channel, status before and after the last change, as the books read them in the journal'),
  previous_status: z.enum(STATUSES).optional().describe('What it was before the claim'),
  attempt: z.int().describe('Claims so far; each may have reached the provider'),
  retry_count: z.int().describe('Rungs of the retry ladder used since acceptance or the last manual retry'),
  interrupted: z.int().describe('Times a consumer died or lost its lease while sending'),
  ambiguous_count: z.int().describe('Attempts whose outcome is unknown'),
  next_retry_time: z.date().optional().describe('When it is next due: scheduled, held and failed'),
  held_since: z
    .date()
    .optional()
    .describe('Start of the current hold; without expires_at it ends 72 h later'),
  fence: z.int().describe('Grows by one with each claim; a write with an old one matches nothing'),
  claim: z.string().optional().describe('Token of the claim that holds the lease, or that sent it at once'),
  claimed_at: z.date().optional(),
  lease_until: z.date().optional(),
  unpublished: z.literal(true).optional().describe('Set until RabbitMQ confirmed the message'),

  retried_at: z.date().optional().describe('From when on a person has sent it again, last'),
  bulk_act: z.string().optional().describe('The redrive that last sent it again'),
  hinted_at: z.date().optional().describe('When a sweep last published a message for it'),

  caller: z.string().describe('Who handed it over; idempotency keys are per caller'),
  idempotency_key: z.string().optional(),
  fingerprint: z.string().optional().describe('SHA-256 of the body that came with the key'),

  provider: z.string().optional(),
  provider_message_id: z.string().optional(),
  error: deliveryErrorSchema.optional(),
  unread: z.literal(true).optional().describe('In the inbox and not read yet'),
  read_at: z.date().optional(),
  created_at: z.date(),
  updated_at: z.date(),
  sent_at: z.date().optional(),
  erased_at: z.date().optional().describe('When all that is about a person was taken out of it'),
  delete_at: z.date().optional().describe('When retention ends'),
  timeline: z.array(timelineEntrySchema).describe('Bounded by TIMELINE_KEEPS'),
  timeline_omitted: z
    .int()
    .optional()
    .describe('Entries that were dropped between the first and the last ones'),
});

/** The record of a notification. */
export type Notification = z.output<typeof notificationSchema>;
