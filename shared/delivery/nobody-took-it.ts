import type { Notification } from '../contracts/index.ts';
import { SECOND } from '../runtime/duration.ts';
import { growingWaitMs, heldForMs } from './held-for.ts';
import { wordsOf, type Miss } from './miss.ts';
import type { Deferred, Transient } from './outcome.ts';
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
 * What becomes of a notification that none of its providers took, through no fault of its own as far as is known: it is put off, longer
 * each time, and spends nothing. But where one that was asked takes others meanwhile, it spends a rung: it is about this one after all, and
 * would go round for days.
 */
export function nobodyTookIt(notification: Notification, vain: Vain): Deferred | Transient {
  const { able, misses } = vain;
  const last = misses.findLast(({ outcome }) => outcome !== undefined);
  const about = {
    provider: last?.provider ?? able[0]?.name ?? '',
    code: last?.outcome?.code ?? 'provider_down',
    reason: wordsOf(misses),
    counted: true as const,
  };
  const asked = misses.filter(({ outcome }) => outcome && !outcome.untried);
  if (isAboutThisOne(notification, asked, vain)) return { kind: 'transient', ...about };
  return {
    kind: 'deferred',
    ...about,
    afterMs: waitMs(notification, vain),
    ...(asked.length === 0 && { isOurs: true, untried: true }),
  };
}

function isAboutThisOne(notification: Notification, asked: readonly Miss[], { standings }: Vain): boolean {
  const heldMs = heldForMs(notification);
  return asked.some(({ provider }) => standings.wasWellWithin(provider, heldMs));
}

function waitMs(notification: Notification, { able, standings }: Vain): number {
  const backInMs = standings.backInMs(able.map(({ name }) => name));
  const least = Math.max(backInMs, LEAST_WAIT_MS, growingWaitMs(notification));
  return least + Math.random() * Math.max(least * SPREAD.share, SPREAD.leastMs);
}
