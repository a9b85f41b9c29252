import type { Notification } from '../contracts/index.ts';
import { MINUTE, SECOND } from '../runtime/duration.ts';
import { growingWaitMs } from './held-for.ts';
import type { Deferred } from './outcome.ts';

/** Put off for so long, in milliseconds: longer each time, and half as long again by chance, so that they do not all come back at once. */
const WAIT_MS = { least: 5 * SECOND, most: MINUTE };

/** What becomes of a notification while the store does not say whether it may go out: it waits, and spends nothing. */
export function untilStoreAnswers(
  notification: Notification,
  about: { provider: string; code: string; reason: string },
): Deferred {
  const waitMs = Math.max(WAIT_MS.least, growingWaitMs(notification, WAIT_MS.most));
  const afterMs = waitMs * (1 + Math.random() / 2);
  return { kind: 'deferred', ...about, afterMs, isOurs: true, untried: true };
}
