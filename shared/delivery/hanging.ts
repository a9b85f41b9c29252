import type { Ambiguous } from './outcome.ts';

/** Why an attempt is ended that takes too long. */
export const TOO_SLOW = new Error('the time for one attempt is up');

/** What becomes of a hand-over that goes on although its signal has aborted, `graceMs` after it. */
export function hanging(signal: AbortSignal, provider: string, graceMs: number): Promise<Ambiguous> {
  return new Promise((resolve) => {
    const giveUp = (): void => {
      setTimeout(() => {
        resolve({
          kind: 'ambiguous',
          provider,
          code: 'timeout',
          reason: 'the provider did not answer in time',
        });
      }, graceMs).unref();
    };
    if (signal.aborted) giveUp();
    else signal.addEventListener('abort', giveUp, { once: true });
  });
}
