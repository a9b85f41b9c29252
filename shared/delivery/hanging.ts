import type { Ambiguous, Outcome } from './outcome.ts';

/** Why an attempt is ended that takes too long. */
export const TOO_SLOW = new Error('the time for one attempt is up');

/** What bounds a hand-over. */
interface HandOverBounds {
  /** Aborts when the time is up or the claim is lost. */
  signal: AbortSignal;
  provider: string;
  /** What the provider gets, in milliseconds, to say what it knows after the signal; then it is taken for hanging. */
  graceMs: number;
}

/** How a hand-over ends, also one that never comes back. Too slow is the provider's fault, however the provider puts it. */
export async function endOf(
  handOver: Promise<Outcome>,
  { signal, provider, graceMs }: HandOverBounds,
): Promise<Outcome> {
  const outcome = await Promise.race([handOver, hanging(signal, provider, graceMs)]);
  const isTooSlow = outcome.kind !== 'sent' && signal.reason === TOO_SLOW;
  return isTooSlow ? { ...outcome, providerFault: true } : outcome;
}

/** What becomes of a hand-over that goes on although its signal has aborted, `graceMs` after it. */
function hanging(signal: AbortSignal, provider: string, graceMs: number): Promise<Ambiguous> {
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
