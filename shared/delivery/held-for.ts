import type { Notification } from '../contracts/index.ts';
import { MINUTE } from '../runtime/duration.ts';

/** What is put off again and again waits for so long at most, in milliseconds. */
const MAX_WAIT_MS = 10 * MINUTE;

/**
 * Since when it is put off without another end of an attempt between, in milliseconds; 0 when it was not. All holds count, those that are ours
 * as well; by the database's clock alone.
 */
export function heldForMs({ timeline, claimed_at }: Notification): number {
  let since: Date | undefined;
  for (let index = timeline.length - 1; index >= 0; index -= 1) {
    const { status, attempt, at } = timeline[index] ?? {};
    if (status !== 'held' && status !== 'pending' && status !== 'sending') break;
    // Without an attempt somebody else held it, such as a redrive.
    if (status === 'held' && attempt !== undefined) since = at;
  }
  return since ? Math.max((claimed_at ?? new Date()).getTime() - since.getTime(), 0) : 0;
}

/** Half as long again as it is held already, in milliseconds: each time adds lines to its timeline, and the longer it lasts the rarer they are. */
export function growingWaitMs(notification: Notification, atMostMs = MAX_WAIT_MS): number {
  return Math.min(heldForMs(notification) / 2, atMostMs);
}
