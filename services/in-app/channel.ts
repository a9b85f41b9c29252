import type { DeliveryChannel } from '../../shared/delivery/index.ts';

/**
 * The in-app channel. Its provider is our own store: once the result is recorded, the notification is unread in the person's list, and
 * the event of that record wakes whoever shows it. Hand-over and record are one write, so this channel has no ambiguous outcome.
 */
export function createInAppChannel(): DeliveryChannel {
  return {
    name: 'in_app',
    atomic: true,
    deliver: () => Promise.resolve({ kind: 'sent', provider: 'inbox' }),
  };
}
