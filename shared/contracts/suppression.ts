import { z } from 'zod';
import { CHANNELS, type Channel } from './channels.ts';
import { emailAddress } from './email-address.ts';
import { instant, line } from './fields.ts';
import { phoneNumber } from './phone-number.ts';
import { pageFields } from './requests.ts';

/** The channels whose recipients are addresses, which can stop to take anything. */
export type SuppressibleChannel = Extract<Channel, 'email' | 'sms'>;

/** Every one of them. */
export const SUPPRESSIBLE = ['email', 'sms'] as const satisfies SuppressibleChannel[];

/** An address that nothing is handed over to. */
export interface Suppression {
  /** Channel and digest of the address, so that it holds on when the address itself is erased. */
  _id: string;
  channel: SuppressibleChannel;
  address?: string;
  /** The provider's code, such as 5.1.1 or 30005. */
  code: string;
  reason?: string;
  /** Who said so: callback:twilio, callback:dsn, the consumer whose hand-off was refused, such as consumer:email, or who added it by hand. */
  actor: string;
  /** The provider that refused, such as smtp; absent where somebody added it, or it is from before this was noted. */
  provider?: string;
  since: Date;
  /** What came back. */
  notification_id?: string;
  /** Whose notification that was, for giving out and erasing what is known of a person. */
  user_id?: string;
  /** When its person was erased. */
  erased_at?: Date;
}

const channel = z.enum(SUPPRESSIBLE, { error: `must be one of ${SUPPRESSIBLE.join(', ')}` });

/** A channel and an address, as they stand in the way to one suppression. */
export const suppressionParams = z.object({
  channel,
  address: line(254).meta({ description: 'The e-mail address or phone number', example: 'ada@example.org' }),
});

/** The code of an opt-out: STOP, or Twilio's refusal after it. */
export const OPT_OUT = '21610';

const filterFields = {
  channel: channel.optional(),
  code: line(100).optional().meta({ description: 'The code in full, such as 5.1.1', example: '5.1.1' }),
  provider: line(100).optional().meta({ description: 'The provider that refused, such as smtp' }),
  reason: line(200).optional().meta({ description: 'A part of the words' }),
  from: instant.optional().meta({ description: 'Suppressed at this time or later' }),
  to: instant.optional().meta({ description: 'Suppressed before this time' }),
};

/** Which suppressions: all fields given must match. */
export const suppressionFilterSchema = z.strictObject(filterFields).meta({
  id: 'SuppressionFilter',
  description: `All fields given must match. Opt-outs (${OPT_OUT}) match only a filter that names their code`,
});

/** Which suppressions somebody means. */
export type SuppressionFilter = z.output<typeof suppressionFilterSchema>;

/** The body of POST /v1/suppressions/remove. The filter must be given, `{}` means all: nobody removes everything by an empty body. */
export const suppressionRemovalSchema = z
  .strictObject({
    filter: suppressionFilterSchema,
    dry_run: z.boolean({ error: 'must be true or false' }).default(false),
    reason: line(500).meta({ description: 'Why; it stays in the audit' }),
  })
  .meta({ id: 'SuppressionRemoval' });

/** The answer to a removal. */
export const suppressionsRemovedSchema = z
  .object({
    matched: z.int().describe('Suppressions that match the filter'),
    changed: z.int().describe('Of them, removed by this call; 0 in a dry run'),
    dry_run: z.boolean(),
  })
  .meta({ id: 'SuppressionsRemoved' });

const byHand = {
  reason: line(500).meta({ description: 'Why; it is shown beside the address', example: 'asked by phone' }),
};

/** The body of POST /v1/suppressions. */
export const newSuppressionSchema = z
  .discriminatedUnion(
    'channel',
    [
      z.strictObject({ channel: z.literal('email'), address: emailAddress, ...byHand }),
      z.strictObject({ channel: z.literal('sms'), address: phoneNumber, ...byHand }),
    ],
    { error: `must be one of ${SUPPRESSIBLE.join(', ')}` },
  )
  .meta({ id: 'NewSuppression' });

/** The query of GET /v1/suppressions. */
export const suppressionQuerySchema = z.strictObject({
  ...filterFields,
  address: line(254).optional().meta({ description: 'This address only, in full' }),
  ...pageFields,
});

/** The query of GET /v1/suppressions. */
export type SuppressionQuery = z.output<typeof suppressionQuerySchema>;

/** A suppression as the API shows it. */
export const suppressionViewSchema = z
  .object({
    id: z.string(),
    channel,
    address: z.string().optional().describe('Absent where its person was erased: only a digest is kept'),
    code: z.string().describe('Why, by the provider’s code, such as 5.1.1 or 30005'),
    reason: z.string().optional(),
    actor: z.string(),
    provider: z.string().optional().describe('The provider that refused'),
    since: z.iso.datetime(),
    notification_id: z.string().optional().describe('What came back'),
  })
  .meta({ id: 'Suppression' });

/** What is shown of a suppression. */
export function suppressionViewOf({
  _id: id,
  since,
  ...rest
}: Suppression): z.output<typeof suppressionViewSchema> {
  return suppressionViewSchema.parse({ ...rest, id, since: since.toISOString() });
}

/** The address of a notification, as far as its channel has one. */
export function addressOf(notification: {
  type: Channel;
  email?: string | undefined;
  phone?: string | undefined;
}): { channel: SuppressibleChannel; address: string } | undefined {
  const channel = SUPPRESSIBLE.find((one) => one === notification.type);
  const address = channel && notification[CHANNELS[channel].recipient];
  return channel && address !== undefined ? { channel, address } : undefined;
}
