import type { Feedback } from '../../../shared/contracts/index.ts';
import { effectsOf, twilioVerdict } from '../../../shared/verdicts/index.ts';
import { suppressionIn } from './suppression-in.ts';

/** What a status callback says, as far as it is read; Twilio adds fields at any time. */
export interface StatusCallback {
  MessageSid: string;
  MessageStatus: string;
  ErrorCode?: string | undefined;
  ErrorMessage?: string | undefined;
}

/**
 * Twilio's statuses that are final, by what they are here. A message gets one of them and keeps it (`read` comes after `delivered`), so the
 * first one counts; all others are on the way there, and callbacks overtake each other.
 */
const FINAL = new Map<string, Feedback['status']>([
  ['delivered', 'delivered'],
  ['read', 'delivered'],
  ['undelivered', 'bounced'],
  ['failed', 'bounced'],
]);

/** Puts a callback into our words; undefined where it says nothing final. */
export function feedbackOf(notificationId: string, callback: StatusCallback): Feedback | undefined {
  const status = FINAL.get(callback.MessageStatus);
  if (status === undefined) return undefined;
  const feedback: Feedback = {
    notification_id: notificationId,
    status,
    actor: 'callback:twilio',
    provider: 'twilio',
    provider_message_id: callback.MessageSid,
  };
  return status === 'delivered' ? feedback : { ...feedback, ...troubleOf(callback) };
}

/** The code and words of a failure, and by the decision table, whether the number is suppressed. */
function troubleOf({ ErrorCode: code, ErrorMessage, MessageStatus }: StatusCallback): Partial<Feedback> {
  const row = twilioVerdict(code);
  const { suppressAfter } = row ? effectsOf(row.verdict) : {};
  return {
    code: code ?? MessageStatus,
    reason: (ErrorMessage ?? row?.meaning ?? `Twilio says ${MessageStatus}`).slice(0, 500),
    ...suppressionIn(suppressAfter),
  };
}
