import { z } from 'zod';
import { CHANNEL_NAMES, LANES } from './channels.ts';
import type { Notification } from './notification.ts';

/** Largest body of a message that is read, in bytes; a claim check is about 300. */
export const MAX_MESSAGE_BYTES = 16_384;

/**
 * What travels through RabbitMQ: a claim check without content and without a person, so that the management UI shows nobody's mail or address:
 * many applications name people by their address, and nothing erases a message.
 */
export const messageSchema = z.object({
  id: z.string().min(1).max(64),
  channel: z.enum(CHANNEL_NAMES),
  lane: z.enum(LANES),
  attempt: z.int().min(0),
  user_id: z.string().optional().describe('Written by former versions; nothing reads it'),
  enqueued_at: z.iso.datetime(),
  trace: z.string().max(256).optional(),
});

/** The body of a message. */
export type Message = z.output<typeof messageSchema>;

/** Headers of our messages. No header of the broker's own is ever read for a decision, or copied. */
export const HEADERS = {
  /** On the dead letter: the stable code of the reason. */
  reason: 'x-tidings-reason',
  /** On the parking queue: where the message came from. */
  source: 'x-tidings-source-queue',
  /** On a parked request: the stable code of the reason, as the API would have answered it, and who had sent it. */
  code: 'x-tidings-code',
  sender: 'x-tidings-sender',
} as const;

/** Builds the claim check of a notification. */
export function messageOf(
  notification: Pick<Notification, '_id' | 'type' | 'lane' | 'attempt'>,
  now: Date,
): Message {
  return {
    id: notification._id,
    channel: notification.type,
    lane: notification.lane,
    attempt: notification.attempt,
    enqueued_at: now.toISOString(),
  };
}

/** Reads a message; the error says in words what is wrong with it. */
export function parseMessage(body: Buffer): { ok: true; message: Message } | { ok: false; error: string } {
  if (body.length > MAX_MESSAGE_BYTES) return { ok: false, error: `body over ${MAX_MESSAGE_BYTES} bytes` };
  let json: unknown;
  try {
    json = JSON.parse(body.toString('utf8'));
  } catch {
    return { ok: false, error: 'body is not JSON' };
  }
  const result = messageSchema.safeParse(json);
  if (result.success) return { ok: true, message: result.data };
  const issues = result.error.issues.map((issue) => `${issue.path.join('.') || 'body'}: ${issue.message}`);
  return { ok: false, error: issues.join('; ').slice(0, 500) };
}
