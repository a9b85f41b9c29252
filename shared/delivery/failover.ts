import type { Notification } from '../contracts/index.ts';
import { SECOND } from '../runtime/duration.ts';
import { TOO_SLOW, hanging } from './hanging.ts';
import type { Deferred, Outcome, Permanent } from './outcome.ts';
import type { Provider } from './provider.ts';
import type { Route } from './route.ts';
import type { Standings } from './standings.ts';

/** What one of several gets, in milliseconds, to say what it knows after the signal: less than the whole attempt gets. */
const GRACE_MS = SECOND / 2;
/** How long a provider that hangs may take at most before the next one is asked, in milliseconds; less when an attempt has less time. */
const MAX_PATIENCE_MS = 10 * SECOND;
/** When nobody could take it, it comes back after so long at least, in milliseconds; spread, so that they do not all come at once. */
const NOBODY_TOOK_IT_MS = { least: 5 * SECOND, most: 10 * SECOND };

/** What failing over works with. */
export interface FailoverOptions {
  providers: ReadonlyMap<string, Provider>;
  route: Route;
  standings: Standings;
  /** What an attempt may take, in milliseconds. */
  timeoutMs: number;
}

/** What did not come about: a provider that was asked in vain, or not asked. */
interface Miss {
  provider: string;
  reason: string;
  /** Undefined when it was not asked. */
  outcome?: Exclude<Outcome, { kind: 'sent' }>;
}

/**
 * Tries one provider after the other, and goes on to the next only where the one before was at fault itself and has got nothing: an answer
 * about the recipient or the message is everybody's answer, and what may have been taken is never handed to another.
 *
 * | what happened | then |
 * |---|---|
 * | transient or deferred, and the provider's own fault | the next one |
 * | it is down, paused, or cannot take this one | the next one |
 * | sent, permanent, ambiguous, a transient answer about this message | that is the outcome |
 * | nobody was left who could take it | put off: it costs no retry |
 * | none can ever take it | permanent |
 */
export class Failover {
  readonly #options: FailoverOptions;

  constructor(options: FailoverOptions) {
    this.#options = options;
  }

  /** Tries once, at as many providers as it takes. */
  async deliver(notification: Notification, signal: AbortSignal): Promise<Outcome> {
    const order = this.#orderFor(notification);
    if (order.length === 0) return notConfigured(notification);
    const able = order.filter((provider) => provider.refusalOf?.(notification) === undefined);
    const refusals = order.filter((provider) => !able.includes(provider));
    if (able.length === 0) return refusedByAll(notification, refusals);
    return this.#tryEach(
      able,
      notification,
      signal,
      refusals.map((one) => missOf(one, notification)),
    );
  }

  async #tryEach(
    able: readonly Provider[],
    notification: Notification,
    signal: AbortSignal,
    misses: Miss[],
  ): Promise<Outcome> {
    for (const [index, provider] of able.entries()) {
      const { name } = provider;
      const reason = this.#options.standings.obstacleOf(name);
      if (reason !== undefined) {
        misses.push({ provider: name, reason });
        continue;
      }
      const isLast = index === able.length - 1;
      const outcome = await this.#try(
        provider,
        notification,
        signal,
        isLast ? undefined : this.#patience(able),
      );
      // Who lost the claim was told to stop: that says nothing about the provider.
      if (signal.aborted && signal.reason !== TOO_SLOW) return outcome;
      const observed = this.#options.standings.observe(outcome);
      if (!isForTheNext(outcome) || able.length === 1) return { ...told(observed, misses), counted: true };
      misses.push({ provider: name, reason: `${outcome.code}: ${outcome.reason}`, outcome });
      if (signal.aborted) break;
    }
    return this.#nobody(able, misses);
  }

  #try(
    provider: Provider,
    notification: Notification,
    signal: AbortSignal,
    patience: AbortSignal | undefined,
  ): Promise<Outcome> {
    const { name } = provider;
    return this.#options.standings.during(name, async () => {
      const handOver = provider.send(notification, signal, patience);
      const outcome = await Promise.race([handOver, hanging(signal, name, GRACE_MS)]);
      const isTooSlow = outcome.kind !== 'sent' && signal.reason === TOO_SLOW;
      return isTooSlow ? { ...outcome, providerFault: true } : outcome;
    });
  }

  /** The sender's choice is kept: who named a provider gets that one or none. */
  #orderFor({ via }: Notification): readonly Provider[] {
    const { providers, route } = this.#options;
    const names = via === undefined ? route.next() : [via];
    return names.flatMap((name) => providers.get(name) ?? []);
  }

  /** Each but the last leaves time for those behind it. */
  #patience({ length }: readonly Provider[]): AbortSignal {
    return AbortSignal.timeout(Math.min(MAX_PATIENCE_MS, this.#options.timeoutMs / (length + 1)));
  }

  #nobody(able: readonly Provider[], misses: readonly Miss[]): Deferred {
    const { least, most } = NOBODY_TOOK_IT_MS;
    const backInMs = this.#options.standings.backInMs(able.map(({ name }) => name));
    const last = misses.findLast(({ outcome }) => outcome !== undefined);
    return {
      kind: 'deferred',
      provider: last?.provider ?? able[0]?.name ?? '',
      code: last?.outcome?.code ?? 'provider_down',
      reason: misses.map(wordsOf).join('; '),
      afterMs: Math.max(backInMs, least) + Math.random() * (most - least),
      counted: true,
      ...(!last && { isOurs: true, untried: true }),
    };
  }
}

function isForTheNext(outcome: Outcome): outcome is Exclude<Outcome, { kind: 'sent' }> {
  return (outcome.kind === 'transient' || outcome.kind === 'deferred') && outcome.providerFault === true;
}

/** Says of an outcome which providers came before, and why it was none of them. */
function told(outcome: Outcome, misses: readonly Miss[]): Outcome {
  if (misses.length === 0) return outcome;
  const { kind, provider, reason } = outcome;
  const before = misses.map(wordsOf).join('; ');
  const own = kind === 'sent' ? `sent by ${provider}` : provider;
  return { ...outcome, reason: `${before}; ${own}${reason ? `: ${reason}` : ''}` };
}

function wordsOf({ provider, reason }: Miss): string {
  return `${provider}: ${reason}`;
}

function missOf(provider: Provider, notification: Notification): Miss {
  return { provider: provider.name, reason: provider.refusalOf?.(notification)?.reason ?? '' };
}

function refusedByAll(notification: Notification, refusing: readonly Provider[]): Permanent {
  const [first] = refusing;
  return {
    kind: 'permanent',
    provider: first?.name ?? '',
    code: first?.refusalOf?.(notification)?.code ?? '',
    reason: refusing.map((one) => wordsOf(missOf(one, notification))).join('; '),
    untried: true,
  };
}

function notConfigured({ via = '' }: Notification): Permanent {
  const reason = `it names ${via}, which is not among the providers of its channel any more`;
  return { kind: 'permanent', provider: via, code: 'provider_not_configured', reason, untried: true };
}
