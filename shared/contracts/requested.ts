import { z } from 'zod';
import type { Scope } from './access.ts';
import { CHANNEL_NAMES } from './channels.ts';
import { line } from './fields.ts';

/** The routing key of a request, and its `type`. With `.email` behind it, say, it may be of that channel only. */
export const REQUESTED = 'notification.requested';

/** The properties of AMQP that a request is read with. Others are nobody's business here. */
export const requestedPropertiesSchema = z
  .object({
    message_id: line(255).meta({
      description:
        'The idempotency key: repeated with the same one it is the same notification. It belongs to the sender. Without it a message that RabbitMQ delivers twice would be sent twice',
      example: 'order-7-receipt',
    }),
    user_id: line(255).optional().meta({
      description:
        'The sender: the RabbitMQ user that publishes, which RabbitMQ checks. Without it, all who do not say it are one sender',
      example: 'shop',
    }),
    type: z
      .literal(REQUESTED, { error: `must be ${REQUESTED}, or not set` })
      .optional()
      .meta({ description: 'Needs not be said' }),
    content_type: z
      .string()
      .regex(/^application\/json(?:; ?charset=utf-8)?$/i, { error: 'must be application/json, or not set' })
      .optional()
      .meta({ description: 'Needs not be said', example: 'application/json' }),
    content_encoding: z
      .string()
      .regex(/^(?:utf-8|identity)$/i, { error: 'must be utf-8, or not set: nothing is unpacked' })
      .optional()
      .meta({ description: 'Needs not be said' }),
  })
  .meta({ id: 'RequestedProperties' });

/** The properties of a request. */
export type RequestedProperties = z.output<typeof requestedPropertiesSchema>;

/** What each routing key of a request lets it be. By the rights of its user a team may have one of them only. */
export const REQUEST_KEYS: ReadonlyMap<string, Scope> = new Map<string, Scope>([
  [REQUESTED, 'send'],
  ...CHANNEL_NAMES.map((channel) => [`${REQUESTED}.${channel}`, `send:${channel}`] as const),
]);
