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

/** The one field that no option and no column can say: files go with a call of the API. */
export const ATTACHMENTS = 'attachments';

/** The names of all fields that an option or a column can say. */
export const FIELD_NAMES = Object.keys(notificationRequestSchema.shape).filter(
  (name) => name !== ATTACHMENTS,
);

/**
 * Fills in what follows from the rest: the channel from its recipient, or in_app where there is none; and the recipient as the person where nobody
 * said who it is.
 */
export function completed(fields: Fields): Fields {
  const type = fields.type ?? typeBy(fields);
  const channel = CHANNEL_NAMES.find((name) => name === type);
  const recipient = channel && CHANNELS[channel].recipient;
  const userId = fields.user_id ?? (recipient && fields[recipient]);
  return { ...fields, ...(type !== undefined && { type }), ...(userId !== undefined && { user_id: userId }) };
}

/** With several recipients it must be said. */
function typeBy(fields: Fields): string | undefined {
  const fitting = CHANNEL_NAMES.filter((name) => {
    const { recipient } = CHANNELS[name];
    return recipient !== undefined && fields[recipient] !== undefined;
  });
  if (fitting.length > 1) return undefined;
  return fitting[0] ?? (fields.user_id === undefined ? undefined : 'in_app');
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
