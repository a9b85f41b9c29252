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

/**
 * How a delivery ends, also one that never comes back. Too slow is the provider's fault, unless it had been told something of the notification:
 * a mail server that hangs behind RCPT may hang for this recipient alone. Where several were asked, who was too slow has been judged.
 */
export async function endOf(
  handOver: Promise<Outcome>,
  { signal, provider, graceMs }: HandOverBounds,
): Promise<Outcome> {
  const late = hanging(signal, provider, graceMs);
  const outcome = await Promise.race([handOver, late.outcome]).finally(late.forget);
  if (outcome.kind === 'sent' || signal.reason !== TOO_SLOW) return outcome;
  const isAboutIt = outcome.kind === 'transient' && outcome.seen === true;
  return isAboutIt || outcome.counted ? outcome : { ...outcome, providerFault: true };
}

/** What becomes of a delivery that goes on although its signal has aborted, `graceMs` after it; until it is forgotten. */
function hanging(
  signal: AbortSignal,
  provider: string,
  graceMs: number,
): { outcome: Promise<Ambiguous>; forget: () => void } {
  const reason = 'the provider did not answer in time';
  let giveUp = (): void => undefined;
  const outcome = new Promise<Ambiguous>((resolve) => {
    giveUp = () => {
      setTimeout(resolve, graceMs, { kind: 'ambiguous', provider, code: 'timeout', reason }).unref();
    };
  });
  if (signal.aborted) giveUp();
  else signal.addEventListener('abort', giveUp, { once: true });
  return {
    outcome,
    forget: () => {
      signal.removeEventListener('abort', giveUp);
    },
  };
}
