import {
  CANCELABLE,
  RETRYABLE,
  type NotificationDetail,
  type NotificationView,
  type Status,
} from '../../../shared/contracts/index.ts';

/** How a status looks: a role for colour and shape, and words that are an adjective. */
const LOOKS: Record<Status, { role: string; words: string }> = {
  scheduled: { role: 'waiting', words: 'Scheduled' },
  pending: { role: 'waiting', words: 'Pending' },
  held: { role: 'waiting', words: 'Held' },
  sending: { role: 'moving', words: 'Being sent' },
  sent: { role: 'done', words: 'Sent' },
  delivered: { role: 'done', words: 'Delivered' },
  failed: { role: 'retrying', words: 'Waiting to retry' },
  failed_permanently: { role: 'dead', words: 'Failed permanently' },
  bounced: { role: 'dead', words: 'Bounced' },
  outcome_unknown: { role: 'doubt', words: 'Outcome unknown' },
  suppressed: { role: 'stopped', words: 'Suppressed' },
  expired: { role: 'stopped', words: 'Expired' },
  canceled: { role: 'stopped', words: 'Canceled' },
  discarded: { role: 'stopped', words: 'Discarded' },
};

/** The look of a status. */
export function lookOf(status: Status): { role: string; words: string } {
  return LOOKS[status];
}

/** Where a notification goes, for people. */
export function recipientOf({ type, email, phone, user_id }: NotificationView): string {
  return { email, sms: phone, in_app: undefined }[type] ?? `the inbox of ${user_id}`;
}

/** Which buttons a notification's page shows. */
export function actionsOf({ status }: NotificationDetail): { retry: boolean; cancel: boolean } {
  return {
    retry: (RETRYABLE as readonly Status[]).includes(status),
    cancel: (CANCELABLE as readonly Status[]).includes(status),
  };
}
