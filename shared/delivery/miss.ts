import type { Notification } from '../contracts/index.ts';
import type { Outcome, Permanent } from './outcome.ts';
import type { Provider } from './provider.ts';

/** How an attempt ended that was not sent. */
export type NotSent = Exclude<Outcome, { kind: 'sent' }>;

/** What did not come about: a provider that was asked in vain, or not asked. */
export interface Miss {
  provider: string;
  reason: string;
  /** Undefined when it was not asked. */
  outcome?: NotSent;
}

/** A provider that was asked in vain. */
export function missedBy(provider: string, outcome: NotSent): Miss {
  return { provider, reason: `${outcome.code}: ${outcome.reason}`, outcome };
}

/** A provider that can never take this one. */
export function refusedBy(provider: Provider, notification: Notification): Miss {
  return { provider: provider.name, reason: provider.refusalOf?.(notification)?.reason ?? '' };
}

/** Misses in words, for the timeline. */
export function wordsOf(misses: readonly Miss[]): string {
  return misses.map(({ provider, reason }) => `${provider}: ${reason}`).join('; ');
}

/** Says of an outcome which providers came before, and why it was none of them. */
export function told(outcome: Outcome, misses: readonly Miss[]): Outcome {
  if (misses.length === 0) return outcome;
  const { kind, provider, reason } = outcome;
  const own = kind === 'sent' ? `sent by ${provider}` : provider;
  return { ...outcome, reason: `${wordsOf(misses)}; ${own}${reason ? `: ${reason}` : ''}` };
}

/** None can ever take it. */
export function refusedByAll(notification: Notification, refusing: readonly Provider[]): Permanent {
  const [first] = refusing;
  return {
    kind: 'permanent',
    provider: first?.name ?? '',
    code: first?.refusalOf?.(notification)?.code ?? '',
    reason: wordsOf(refusing.map((one) => refusedBy(one, notification))),
    untried: true,
  };
}

/** It names one that is not there. */
export function notConfigured({ via = '' }: Notification): Permanent {
  const reason = `it names ${via}, which is not among the providers of its channel any more`;
  return { kind: 'permanent', provider: via, code: 'provider_not_configured', reason, untried: true };
}
