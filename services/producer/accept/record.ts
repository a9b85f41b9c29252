import {
  storedAttachmentOf,
  type Notification,
  type NotificationRequest,
} from '../../../shared/contracts/index.ts';
import { newId } from '../../../shared/runtime/ids.ts';

/** Where a notification comes from. */
export interface Origin {
  /** Whose idempotency keys these are: `api`, or `web:` and the name of an account. */
  caller: string;
  idempotencyKey?: string | undefined;
  /** Of the body that came with the key. */
  fingerprint?: string | undefined;
}

/** Makes the record of a validated request. With a `send_at` to come it is scheduled; else it is pending and unpublished. */
export function recordOf(request: NotificationRequest, origin: Origin, now: Date): Notification {
  const { send_at, lane = 'transactional', on_ambiguous = 'retry', attachments, ...content } = request;
  const later = send_at !== undefined && send_at > now;
  const status = later ? 'scheduled' : 'pending';
  return {
    _id: newId(),
    ...withoutUndefined(content),
    ...(attachments && { attachments: attachments.map(storedAttachmentOf) }),
    lane,
    on_ambiguous,
    ...(send_at && { send_at }),
    status,
    ...(later ? { next_retry_time: send_at } : { unpublished: true as const }),
    attempt: 0,
    retry_count: 0,
    interrupted: 0,
    ambiguous_count: 0,
    fence: 0,
    caller: origin.caller,
    ...(origin.idempotencyKey !== undefined && { idempotency_key: origin.idempotencyKey }),
    ...(origin.fingerprint !== undefined && { fingerprint: origin.fingerprint }),
    created_at: now,
    updated_at: now,
    timeline: [{ at: now, status, actor: origin.caller, reason: 'accepted' }],
  };
}

/** Optional fields that were given; the rest are absent, not undefined. */
function withoutUndefined<T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, inner]) => inner !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
}
