import type { Channel, Notification } from '../contracts/index.ts';
import type { Outcome } from './outcome.ts';
import type { Standings } from './standings.ts';

/** A channel that hands over to a provider: only how to hand over one. Everything around it is the shared loop. */
export interface DeliveryChannel {
  name: Channel;
  /** Who carries it out, or the first of several, as records and pages call it. */
  provider: string;
  /** How its providers do, where there may be several. */
  standings?: Standings;
  /** Tries once. `signal` aborts when the time is up or the claim is lost: stop, and say what is known. Throws only on a bug. */
  deliver(notification: Notification, signal: AbortSignal): Promise<Outcome>;
  /** Closes what it holds. */
  stop?(): Promise<void>;
}

/**
 * A channel whose provider is our own store: claim, hand-over and record are one write. So nothing of it is ever under way, interrupted, or
 * ambiguous.
 */
export interface StoreChannel {
  name: Channel;
  /** Who carries it out, as records and pages call it. */
  provider: string;
}

/** Whether our own store is the provider. */
export function isStoreChannel(channel: DeliveryChannel | StoreChannel): channel is StoreChannel {
  return !('deliver' in channel);
}
