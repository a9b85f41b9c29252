import { z } from 'zod';
import { attachmentsSchema } from './attachments.ts';
import { CHANNELS, CHANNEL_NAMES, LANES } from './channels.ts';
import { emailAddress } from './email-address.ts';
import { instant, jsonObject, line, text, tooLong, userId } from './fields.ts';
import { ON_AMBIGUOUS } from './notification.ts';
import { phoneNumber } from './phone-number.ts';
import { mailbox } from './senders.ts';
import { STATUSES } from './states.ts';

/** Notifications that one batch may carry. */
export const MAX_BATCH_ITEMS = 1_000;
/** Bytes that the body of one notification may have. */
export const MAX_BODY_BYTES = 1024 * 1024;
/** Bytes that the body of a batch may have. */
export const MAX_BATCH_BYTES = 10 * 1024 * 1024;
/**
 * Values that the JSON of one notification may have: commas, lists and objects. `data` of the most characters, nothing but empty lists, has
 * 43 700. More values would take longer to parse than other callers may wait, however few bytes they have.
 */
export const MAX_JSON_VALUES = 50_000;
/** Most recent and most distant page of a list. */
const MAX_PAGE = 200;

/** Fields that no other channel has a place for. */
const EMAIL_ONLY = ['html', 'from', 'reply_to', 'attachments'] as const;

/** The fields of a notification, each by itself. */
export const notificationFields = z.strictObject({
  user_id: userId.meta({ description: 'The person, as you name them', example: 'u1' }),
  type: z
    .enum(CHANNEL_NAMES, { error: `must be one of ${CHANNEL_NAMES.join(', ')}` })
    .meta({ description: 'The channel', example: 'email' }),
  message: text(500_000).meta({
    description: 'The text; for SMS at most 1 600 characters',
    example: 'Hello',
  }),
  subject: line(998).optional().meta({ description: 'Subject or title', example: 'Hi' }),
  html: text(500_000).optional().meta({ description: 'The same as HTML, for e-mail' }),
  from: mailbox.optional().meta({
    description: 'Who sends the e-mail: of MAIL_FROM or ALLOWED_SENDERS; MAIL_FROM when not given',
    example: 'Shop <shop@example.org>',
  }),
  reply_to: emailAddress
    .optional()
    .meta({ description: 'Where answers to the e-mail go', example: 'ada@example.org' }),
  attachments: attachmentsSchema.optional(),
  email: emailAddress
    .optional()
    .meta({ description: 'Recipient; required for e-mail', example: 'a@example.org' }),
  phone: phoneNumber
    .optional()
    .meta({ description: 'Recipient in E.164; required for SMS', example: '+12025550123' }),
  carrier: line(32).optional().meta({
    description: 'For SMS through a gateway: the carrier of the number, of those that the fleet knows',
    example: 'verizon',
  }),
  via: line(32).optional().meta({
    description:
      'The one provider that is to carry it, of those that the channel has; without it, the first that can',
    example: 'smtp',
  }),
  data: jsonObject.optional().meta({ description: 'Your own data; comes back with the record' }),
  lane: z
    .enum(LANES, { error: `must be one of ${LANES.join(', ')}` })
    .optional()
    .meta({ description: 'transactional (default) never waits behind bulk' }),
  send_at: instant.optional().meta({ description: 'Not before this time' }),
  expires_at: instant.optional().meta({ description: 'Not sent after this time' }),
  on_ambiguous: z
    .enum(ON_AMBIGUOUS, { error: `must be one of ${ON_AMBIGUOUS.join(', ')}` })
    .optional()
    .meta({ description: 'When the answer to a hand-over was lost: retry (default), or hold for a person' }),
});

/** The body of POST /v1/notifications. */
export const notificationRequestSchema = notificationFields
  .superRefine(
    (request, context) => {
      for (const { field, message } of crossFieldErrors(request))
        context.addIssue({ code: 'custom', path: [field], message });
    },
    // Also beside other errors: a caller wants to hear of all of them at once.
    { when: ({ value }) => typeof value === 'object' && value !== null },
  )
  .meta({ id: 'NotificationRequest', allOf: CHANNEL_NAMES.map(documentedRule) });

/** The part of the rules between fields that JSON Schema can say; `crossFieldErrors` is what decides. */
function documentedRule(channel: (typeof CHANNEL_NAMES)[number]): object {
  const { recipient, max_message_chars: maxLength } = CHANNELS[channel];
  return {
    if: { properties: { type: { const: channel } }, required: ['type'] },
    then: {
      ...(recipient !== undefined && { required: [recipient] }),
      properties: {
        message: { maxLength },
        ...(channel !== 'sms' && { carrier: false }),
        ...(channel === 'in_app' && { via: false }),
        ...(channel !== 'email' && Object.fromEntries(EMAIL_ONLY.map((field) => [field, false]))),
      },
    },
  };
}

/** What is wrong between fields. Each field may still be of a wrong type itself, so nothing is taken for granted. */
function crossFieldErrors(
  request: Partial<z.output<typeof notificationFields>>,
): { field: string; message: string }[] {
  const { type, message, send_at, expires_at } = request;
  const channel = CHANNEL_NAMES.find((name) => name === type);
  if (channel === undefined) return [];
  const { recipient, max_message_chars: maxChars } = CHANNELS[channel];
  const errors: { field: string; message: string }[] = [];
  if (recipient !== undefined && request[recipient] === undefined)
    errors.push({ field: recipient, message: `is required for type ${channel}` });
  if (typeof message === 'string' && message.length > maxChars)
    errors.push({
      field: 'message',
      message: `must be at most ${maxChars} characters for type ${channel}, and has ${message.length}`,
    });
  for (const field of channel === 'email' ? [] : EMAIL_ONLY)
    if (request[field] !== undefined) errors.push({ field, message: 'is only for type email' });
  if (channel !== 'sms' && request.carrier !== undefined)
    errors.push({ field: 'carrier', message: 'is only for type sms' });
  if (channel === 'in_app' && request.via !== undefined)
    errors.push({ field: 'via', message: 'is not for type in_app, which has one provider' });
  const notBefore = send_at instanceof Date ? send_at.getTime() : Date.now();
  if (expires_at instanceof Date && expires_at.getTime() <= Math.max(notBefore, Date.now()))
    errors.push({ field: 'expires_at', message: 'must be later than send_at, and than now' });
  return errors;
}

/** A validated notification to accept. */
export type NotificationRequest = z.output<typeof notificationRequestSchema>;

/** One item of a batch may carry its own key. */
export const IDEMPOTENCY_KEY = line(255).meta({
  description:
    'Repeat with the same one to get the same answer. It belongs to the key or account that sends it',
});

/** The body of POST /v1/notifications/batch; the items are validated one by one, so that a bad one rejects itself only. */
export const batchRequestSchema = z
  .strictObject({
    notifications: z
      .array(z.unknown(), { error: 'must be a list of notifications' })
      .min(1, { error: 'must hold at least one notification' })
      .max(MAX_BATCH_ITEMS, { error: tooLong(MAX_BATCH_ITEMS, 'notifications') })
      .meta({
        description: 'Each as in POST /v1/notifications; it may have an idempotency_key of its own',
        example: [{ user_id: 'u1', type: 'in_app', message: 'Hello', idempotency_key: 'order-7' }],
      }),
  })
  .meta({ id: 'BatchRequest' });

/** What every query of a list may say. */
export const pageFields = {
  cursor: z.string().max(64).optional().meta({ description: 'next_cursor of the page before' }),
  limit: z.coerce
    .number({ error: `must be a whole number from 1 to ${MAX_PAGE}` })
    .int({ error: `must be a whole number from 1 to ${MAX_PAGE}` })
    .min(1, { error: `must be a whole number from 1 to ${MAX_PAGE}` })
    .max(MAX_PAGE, { error: `must be a whole number from 1 to ${MAX_PAGE}` })
    .default(50),
};

const status = z.enum(STATUSES, { error: `must be one of ${STATUSES.join(', ')}` });
const type = z.enum(CHANNEL_NAMES, { error: `must be one of ${CHANNEL_NAMES.join(', ')}` });

/** The query of GET /v1/notifications. */
export const listQuerySchema = z.strictObject({
  status: status.optional(),
  type: type.optional(),
  user_id: userId.optional(),
  from: instant.optional().meta({ description: 'Accepted at this time or later' }),
  to: instant.optional().meta({ description: 'Accepted before this time' }),
  error: line(200).optional().meta({
    description: 'A part of the last error’s words, or its code; among those that wait, failed or died',
  }),
  ...pageFields,
});

/** The query of GET /v1/users/:user_id/notifications. */
export const userListQuerySchema = z.strictObject({
  type: type.optional(),
  unread: z.enum(['true', 'false'], { error: 'must be true or false' }).optional(),
  ...pageFields,
});

/** The query of GET /v1/users/:user_id/export. */
export const exportQuerySchema = z.strictObject(pageFields);

/** Which dead letters: all fields given must match. */
export const deadLetterFilterSchema = z
  .strictObject({
    ids: z
      .array(line(64))
      .min(1)
      .max(MAX_BATCH_ITEMS, { error: tooLong(MAX_BATCH_ITEMS, 'ids') })
      .optional()
      .meta({ description: 'These ones only' }),
    type: type.optional(),
    user_id: userId.optional(),
    code: line(100).optional().meta({ description: 'The code of the last error, such as 550' }),
    provider: line(100).optional().meta({ description: 'Who refused it last, such as smtp' }),
    before: instant.optional().meta({ description: 'Died at this time or earlier' }),
  })
  .meta({ id: 'DeadLetterFilter' });

/** The query of GET /v1/dead-letters. */
export const deadLetterQuerySchema = z.strictObject({
  type: type.optional(),
  user_id: userId.optional(),
  code: line(100).optional(),
  provider: line(100).optional(),
  ...pageFields,
});

/** The body of POST /v1/dead-letters/retry. The filter must be given, `{}` means all: nobody redrives everything by an empty body. */
export const redriveRequestSchema = z
  .strictObject({
    filter: deadLetterFilterSchema,
    dry_run: z.boolean({ error: 'must be true or false' }).default(false),
    rate: z
      .number({ error: 'must be a number: how many per second' })
      .min(0.1)
      .max(10_000)
      .optional()
      .meta({ description: 'At most so many per second; without it, all at once' }),
  })
  .meta({ id: 'RedriveRequest' });

/** The body of POST /v1/dead-letters/discard. */
export const discardRequestSchema = z
  .strictObject({
    filter: deadLetterFilterSchema,
    dry_run: z.boolean({ error: 'must be true or false' }).default(false),
    reason: line(500).meta({ description: 'Why; it stays on the timeline' }),
  })
  .meta({ id: 'DiscardRequest' });

/** The body of POST /v1/notifications/:id/resolve. */
export const resolveRequestSchema = z
  .strictObject({ outcome: z.enum(['sent', 'failed'], { error: 'must be sent or failed' }) })
  .meta({ id: 'ResolveRequest' });

/** The body of POST /v1/users/:user_id/notifications/read_all. */
export const readAllRequestSchema = z
  .strictObject({
    up_to: z
      .union([instant, line(64)], { error: 'must be a time with a zone, or the id of a notification' })
      .optional()
      .meta({
        description:
          'What the person has seen: a time, or the id of the newest notification shown. What came into the inbox later stays unread; without it, all are marked',
        example: '2030-01-31T09:00:00Z',
      }),
  })
  .meta({ id: 'ReadAllRequest' });

/** Which dead letters an operator means. */
export type DeadLetterFilter = z.output<typeof deadLetterFilterSchema>;
/** A page of notifications to list. */
export type ListQuery = z.output<typeof listQuerySchema>;
/** A page of one person's notifications. */
export type UserListQuery = z.output<typeof userListQuerySchema>;
/** A page of dead letters. */
export type DeadLetterQuery = z.output<typeof deadLetterQuerySchema>;
