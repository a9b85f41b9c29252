import type { Notification } from '../contracts/index.ts';
import { SECOND } from '../runtime/duration.ts';
import { growingWaitMs, heldForMs } from './held-for.ts';
import { wordsOf, type Miss, type NotSent } from './miss.ts';
import type { Deferred, Outcome, Transient } from './outcome.ts';
import type { Provider } from './provider.ts';
import type { Standings } from './standings.ts';

/** It comes back after so long at least, in milliseconds. */
const LEAST_WAIT_MS = 5 * SECOND;
/** Spread over a share of the wait, or so many milliseconds, so that they do not all come at once. */
const SPREAD = { share: 0.25, leastMs: 5 * SECOND };

/** Who might have taken it, and what came of it. */
export interface Vain {
  able: readonly Provider[];
  misses: readonly Miss[];
  standings: Standings;
}

/**
 * What becomes of a notification that none of its providers took: it is deferred, longer each time, and spends nothing. But where it is about
 * this one after all, it spends a retry, or it would be tried for days.
 */
export function nobodyTookIt(notification: Notification, vain: Vain): Deferred | Transient {
  const { able, misses, standings } = vain;
  const last = misses.findLast(({ outcome }) => outcome !== undefined);
  const about = {
    provider: last?.provider ?? able[0]?.name ?? '',
    code: last?.outcome?.code ?? 'provider_down',
    reason: wordsOf(misses),
    counted: true as const,
  };
  const asked = misses.flatMap(({ outcome }) => (outcome && !outcome.untried ? outcome : []));
  const isAboutIt = asked.some((outcome) => isAboutThisOne(notification, outcome, standings));
  if (isAboutIt) return { kind: 'transient', ...about };
  const names = able.map(({ name }) => name);
  return {
    kind: 'deferred',
    ...about,
    afterMs: waitMs(notification, standings, names),
    ...(asked.length === 0 ? { isOurs: true, untried: true } : { providerFault: true }),
  };
}

/** What the fault of the only provider means for its notification: the same. Any other outcome stays as it is. */
export function afterFault(notification: Notification, outcome: Outcome, standings: Standings): Outcome {
  if (outcome.kind !== 'transient' || !outcome.providerFault) return outcome;
  const { providerFault, ...transient } = outcome;
  if (isAboutThisOne(notification, outcome, standings)) return transient;
  const afterMs = waitMs(notification, standings, [outcome.provider]);
  return { ...transient, kind: 'deferred', afterMs, providerFault };
}

/**
 * A provider that fails for one notification, and takes others since this one was first deferred, has nothing against those: it is about this
 * one. But not what a provider failed at before it had heard anything of it.
 */
function isAboutThisOne(notification: Notification, outcome: NotSent, standings: Standings): boolean {
  if (outcome.kind !== 'transient') return false;
  if (!outcome.providerFault) return true;
  return outcome.seen !== false && standings.wasWellWithin(outcome.provider, heldForMs(notification));
}

function waitMs(notification: Notification, standings: Standings, names: readonly string[]): number {
  const least = Math.max(standings.backInMs(names), LEAST_WAIT_MS, growingWaitMs(notification));
  return least + Math.random() * Math.max(least * SPREAD.share, SPREAD.leastMs);
}
