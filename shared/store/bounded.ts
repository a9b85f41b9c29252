import { withDeadline } from '../runtime/deadline.ts';
import { SECOND } from '../runtime/duration.ts';

/** The store did not answer in time. What was to be written may be written all the same: repeat it with the same key or fence. */
export class StoreTimeout extends Error {
  override readonly name = 'StoreTimeout';
}

/**
 * Longer than the driver takes to give up by itself: 2 s to find a primary and 10 s of silence, twice, for it tries once more. So this
 * ends only what has no end, in milliseconds.
 */
const CALL_TIMEOUT_MS = 25 * SECOND;

/**
 * Gives an end to every call of a database or collection and of its cursors, which the driver does not: a write to a socket that its server has just
 * ended, or that is closed while it waits for room, waits for a `drain` that never comes (mongodb 7.8, `writeCommand`), and whoever awaits
 * it hangs for good.
 * @throws StoreTimeout from the call, after `ms`.
 */
export function bounded<T extends object>(target: T, ms = CALL_TIMEOUT_MS): T {
  return new Proxy(target, {
    get: (_, key) => {
      const member: unknown = Reflect.get(target, key, target);
      if (typeof member !== 'function') return member;
      return (...args: unknown[]) => withEnd(Reflect.apply(member, target, args), ms);
    },
  });
}

function withEnd(answer: unknown, ms: number): unknown {
  if (answer instanceof Promise)
    return withDeadline(answer, ms, () => new StoreTimeout(`no end after ${ms} ms`));
  // A cursor, or what iterates over one: each of its own calls is bounded.
  const isCursor = typeof answer === 'object' && answer !== null && Symbol.asyncIterator in answer;
  return isCursor ? bounded(answer, ms) : answer;
}
