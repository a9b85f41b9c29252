import { SECOND } from './duration.ts';

const FIRST_MS = 200;
const CAP_MS = 10 * SECOND;

/**
 * How long to wait before reconnecting, in milliseconds, with full jitter so that a fleet does not come back in step.
 *
 * | attempt | 0     | 1     | 2     | 3       | 4       | 5       | 6 and on |
 * | at most | 200   | 400   | 800   | 1 600   | 3 200   | 6 400   | 10 000   |
 */
export function reconnectDelay(attempt: number, random: () => number = Math.random): number {
  const ceiling = Math.min(CAP_MS, FIRST_MS * 2 ** Math.min(attempt, 10));
  return Math.round(ceiling * (0.2 + 0.8 * random()));
}

/** Waits; ends early, without an error, when the signal aborts. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) {
      resolve();
      return;
    }
    const done = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener('abort', done, { once: true });
  });
}

/** What is done about failures. */
export interface Patience {
  /** Ends the repeating; without it there is always a result. */
  signal?: AbortSignal;
  /** Hears of each failure, and how many came before it. */
  onFailure?: (thrown: unknown, failures: number) => Promise<void> | void;
  /** The same pause each time, in milliseconds, instead of growing ones. */
  pauseMs?: number;
}

/** Repeats until it works, with growing pauses; answers its result, or undefined once the signal aborts. */
export function untilDone<T>(
  work: (failures: number) => Promise<T>,
  patience: Patience & { signal?: never },
): Promise<T>;
export function untilDone<T>(
  work: (failures: number) => Promise<T>,
  patience: Patience,
): Promise<T | undefined>;
export async function untilDone<T>(
  work: (failures: number) => Promise<T>,
  { signal, onFailure, pauseMs }: Patience,
): Promise<T | undefined> {
  for (let failures = 0; !signal?.aborted; failures += 1) {
    try {
      return await work(failures);
    } catch (thrown) {
      await onFailure?.(thrown, failures);
      await pause(pauseMs ?? reconnectDelay(failures), signal);
    }
  }
  return undefined;
}
