import type { Channel, Notification } from '../contracts/index.ts';
import type { Outcome } from './outcome.ts';

/** A channel: only how to hand one notification to a provider. Everything around it is the shared loop. */
export interface DeliveryChannel {
  name: Channel;
  /** Tries once. `signal` aborts when the time is up or the claim is lost: stop, and say what is known. Throws only on a bug. */
  deliver(notification: Notification, signal: AbortSignal): Promise<Outcome>;
  /** Hand-over and record are one write of our own store, so that an interrupted attempt has certainly sent nothing. */
  atomic?: true;
  /** Closes what it holds. */
  stop?(): Promise<void>;
}
