import {
  CHANNEL_NAMES,
  CHANNELS,
  IDEMPOTENCY_KEY,
  fieldErrors,
  notificationRequestSchema,
  type FieldError,
} from '../../shared/contracts/index.ts';

/** The fields of a request, as they go over the wire. */
export type Fields = Record<string, unknown>;

/** The one field that no column can say: files go with one e-mail. */
export const ATTACHMENTS = 'attachments';

/** The names of all fields that a column can say. */
export const FIELD_NAMES = Object.keys(notificationRequestSchema.shape).filter(
  (name) => name !== ATTACHMENTS,
);

/** The fields that say where a notification goes. */
export const RECIPIENTS = CHANNEL_NAMES.flatMap((name) => CHANNELS[name].recipient ?? []);

/**
 * Fills in what follows from the rest: the channel from its recipient, and the recipient as the person where nobody said who it is. Without
 * a recipient it is in-app; `mustHaveRecipient` leaves the channel out instead, to be refused.
 */
export function completed(fields: Fields, { mustHaveRecipient = false } = {}): Fields {
  const type = fields.type ?? typeBy(fields, mustHaveRecipient);
  const channel = CHANNEL_NAMES.find((name) => name === type);
  const recipient = channel && CHANNELS[channel].recipient;
  const userId = fields.user_id ?? (recipient && fields[recipient]);
  return { ...fields, ...(type !== undefined && { type }), ...(userId !== undefined && { user_id: userId }) };
}

/** With several recipients it must be said. */
function typeBy(fields: Fields, mustHaveRecipient: boolean): string | undefined {
  const fitting = CHANNEL_NAMES.filter((name) => {
    const { recipient } = CHANNELS[name];
    return recipient !== undefined && fields[recipient] !== undefined;
  });
  if (fitting.length > 1) return undefined;
  const isInApp = fields.user_id !== undefined && !mustHaveRecipient;
  return fitting[0] ?? (isInApp ? 'in_app' : undefined);
}

/** An address or number: as somebody wrote it, and in the one form that its spellings have in common. */
export interface Address {
  said: string;
  canonical: string;
}

/**
 * Where a notification goes; undefined in-app, or when it is not valid.
 * RFC 5321 §2.3.11 lets a mailbox tell capitals from small letters; in practice none does.
 */
export function addressOf({ type, ...fields }: Fields): Address | undefined {
  const channel = CHANNEL_NAMES.find((name) => name === type);
  const recipient = channel && CHANNELS[channel].recipient;
  if (recipient === undefined) return undefined;
  const { data } = notificationRequestSchema.shape[recipient].safeParse(fields[recipient]);
  return data === undefined ? undefined : { said: String(fields[recipient]), canonical: data.toLowerCase() };
}

/** What the API would refuse of a request, by field; before anything is sent. */
export function errorsOf(fields: Fields, idempotencyKey?: string): FieldError[] {
  const request = notificationRequestSchema.safeParse(fields);
  const key = IDEMPOTENCY_KEY.optional().safeParse(idempotencyKey);
  const keyErrors = key.error?.issues.map(({ message }) => ({ field: 'idempotency_key', message })) ?? [];
  return [...keyErrors, ...(request.error ? fieldErrors(request.error) : [])];
}

/** Reads the caller's own data. Undefined when it is no JSON; then the field's own check says so. */
export function dataOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
