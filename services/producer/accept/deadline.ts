import { withDeadline } from '../../../shared/runtime/deadline.ts';
import { StoreTimeout } from '../../../shared/store/index.ts';

/** A caller gets an answer within 3 s, whatever MongoDB does; milliseconds. */
export const ANSWER_WITHIN_MS = 2_800;

/** Waits as long as a caller may wait. @throws StoreTimeout after that; the work itself goes on, and a repeat with the same key finds it. */
export function inTime<T>(work: Promise<T>, ms = ANSWER_WITHIN_MS): Promise<T> {
  return withDeadline(work, ms, () => new StoreTimeout(`the store did not answer within ${ms} ms`));
}
