import type { SuppressAfter } from '../verdicts/index.ts';
import type { Status } from './states.ts';

/** What a provider says of a notification after the hand-over, put into our words. */
export interface Feedback {
  notification_id: string;
  status: Extract<Status, 'delivered' | 'bounced'>;
  /** Who says so, for the timeline: callback:twilio, callback:dsn */
  actor: string;
  provider: string;
  /** Of which hand-over it speaks, where each one has an id of its own. */
  provider_message_id?: string;
  /** The provider's own code, such as 30005 or 5.1.1 */
  code?: string;
  reason?: string;
  /** The address will never take anything: nothing more is handed over to it. */
  isForGood?: true;
  /** The address takes nothing now, which may pass: it is suppressed only when it is refused so often. */
  suppressAfter?: SuppressAfter;
}
