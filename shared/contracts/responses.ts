import { z } from 'zod';
import { attachmentViewOf, attachmentViewSchema } from './attachments.ts';
import { CHANNEL_NAMES, LANES } from './channels.ts';
import { anyObject } from './fields.ts';
import { ON_AMBIGUOUS, type Notification, type TimelineEntry } from './notification.ts';
import { fieldErrorSchema } from './problems.ts';
import { quarantineViewSchema } from './quarantine.ts';
import { STATUSES } from './states.ts';

const status = z.enum(STATUSES);
const time = z.iso.datetime();

/** The answer to an accepted notification. */
export const acceptedSchema = z.object({ id: z.string(), status }).meta({ id: 'Accepted' });

/** The answer to a batch. */
export const batchAcceptedSchema = z
  .object({
    accepted: z.array(z.object({ index: z.int(), id: z.string(), status })),
    rejected: z.array(z.object({ index: z.int(), errors: z.array(fieldErrorSchema) })),
  })
  .meta({ id: 'BatchAccepted' });

/** A notification as the API shows it; without the fields that belong to the machinery. */
export const notificationViewSchema = z
  .object({
    id: z.string(),
    user_id: z.string().optional().describe('Absent once the person is erased'),
    type: z.enum(CHANNEL_NAMES),
    lane: z.enum(LANES),
    status,
    message: z.string(),
    subject: z.string().optional(),
    html: z.string().optional(),
    email: z.string().optional(),
    from: z.string().optional(),
    reply_to: z.string().optional(),
    attachments: z.array(attachmentViewSchema).optional(),
    phone: z.string().optional(),
    carrier: z.string().optional(),
    via: z.string().optional(),
    data: anyObject.optional(),
    on_ambiguous: z.enum(ON_AMBIGUOUS),
    attempt: z.int().describe('Attempts so far'),
    retry_count: z.int().describe('Retries by itself since acceptance or the last retry by hand'),
    ambiguous_count: z.int().describe('Attempts whose outcome is unknown: each may be a duplicate'),
    next_retry_time: time.optional(),
    send_at: time.optional(),
    expires_at: time.optional(),
    provider: z.string().optional(),
    provider_message_id: z.string().optional(),
    error: z.object({ code: z.string(), reason: z.string(), provider: z.string().optional() }).optional(),
    read_at: time.optional(),
    created_at: time,
    updated_at: time,
    sent_at: time.optional(),
    erased_at: time.optional().describe('Its person was erased: content and recipient are gone'),
  })
  .meta({ id: 'Notification' });

/** A notification with its timeline. */
export const notificationDetailSchema = notificationViewSchema
  .extend({
    timeline: z.array(
      z.object({
        at: time,
        status,
        actor: z.string(),
        attempt: z.int().optional(),
        reason: z.string().optional(),
        code: z.string().optional(),
        ambiguous: z.literal(true).optional(),
      }),
    ),
    timeline_omitted: z
      .int()
      .optional()
      .describe(
        'Entries that were dropped after the first 20 of the timeline, which keeps the first 20 and the last 80',
      ),
  })
  .meta({ id: 'NotificationDetail' });

/** What the API answers of one notification: also whether MongoDB refuses to write its record. */
export const notificationAnswerSchema = notificationDetailSchema
  .extend({ quarantine: quarantineViewSchema.optional() })
  .meta({ id: 'NotificationAnswer' });

/** A page of notifications. */
export const notificationListSchema = z
  .object({
    notifications: z.array(notificationViewSchema),
    next_cursor: z.string().nullable().describe('Give it as cursor for the next page; null on the last'),
  })
  .meta({ id: 'NotificationList' });

/** The answer to a redrive or discard. */
export const bulkResultSchema = z
  .object({
    matched: z.int().describe('Dead letters that match the filter'),
    changed: z.int().describe('Of them, changed by this call; 0 in a dry run'),
    dry_run: z.boolean(),
  })
  .meta({ id: 'BulkResult' });

/** The API's view of a record. */
export type NotificationView = z.output<typeof notificationViewSchema>;
/** The API's view of a record with its timeline. */
export type NotificationDetail = z.output<typeof notificationDetailSchema>;

/** Picks what the API shows of a record. `_id` is `id` on the wire. */
export function viewOf(record: Notification): NotificationView {
  const iso = (date: Date | undefined) => date?.toISOString();
  return notificationViewSchema.parse({
    ...record,
    id: record._id,
    // Empty in the record of an erased person, and an empty id stands in no address.
    user_id: record.user_id || undefined,
    attachments: record.attachments?.map(attachmentViewOf),
    next_retry_time: iso(record.next_retry_time),
    send_at: iso(record.send_at),
    expires_at: iso(record.expires_at),
    read_at: iso(record.read_at),
    created_at: record.created_at.toISOString(),
    updated_at: record.updated_at.toISOString(),
    sent_at: iso(record.sent_at),
    erased_at: iso(record.erased_at),
  });
}

/** Picks what the API shows of a record, with its timeline. */
export function detailOf(record: Notification): NotificationDetail {
  const timeline = record.timeline.map((entry: TimelineEntry) => ({ ...entry, at: entry.at.toISOString() }));
  const { timeline_omitted } = record;
  return { ...viewOf(record), timeline, ...(timeline_omitted !== undefined && { timeline_omitted }) };
}
