import type { StoreChannel } from '../../shared/delivery/index.ts';

/**
 * The in-app channel. Its provider is our own store: the write that claims a notification puts it unread into the person's list, and the
 * event of it wakes whoever shows the list.
 */
export function createInAppChannel(): StoreChannel {
  return { name: 'in_app', provider: 'inbox' };
}
