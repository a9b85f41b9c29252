import { z } from 'zod';
import { CHANNELS, type Channel } from './channels.ts';
import { line } from './fields.ts';
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
  /** Who said so: callback:twilio, callback:dsn, or the consumer whose hand-over was refused, such as consumer:email. */
  actor: string;
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

/** The query of GET /v1/suppressions. */
export const suppressionQuerySchema = z.strictObject({
  channel: channel.optional(),
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
