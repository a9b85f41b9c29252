import type { Notification } from '../contracts/index.ts';
import { SECOND } from '../runtime/duration.ts';
import { TOO_SLOW, endOf } from './hanging.ts';
import { missedBy, notConfigured, refusedBy, refusedByAll, told, type Miss, type NotSent } from './miss.ts';
import { nobodyTookIt } from './nobody-took-it.ts';
import type { Outcome } from './outcome.ts';
import { withPatience } from './patience.ts';
import type { Provider } from './provider.ts';
import type { Route } from './route.ts';
import type { Standings } from './standings.ts';

/** What one of several gets, in milliseconds, to say what it knows after the signal: less than the whole attempt gets. */
const GRACE_MS = SECOND / 2;
/** How long a provider that hangs may take at most before the next one is asked, in milliseconds; less when an attempt has less time. */
const MAX_PATIENCE_MS = 10 * SECOND;

/** What failing over works with. */
export interface FailoverOptions {
  providers: ReadonlyMap<string, Provider>;
  route: Route;
  standings: Standings;
  /** What an attempt may take, in milliseconds. */
  timeoutMs: number;
}

/**
 * Tries one provider after the other, and goes on to the next only where the one before was at fault itself and has got nothing: an answer
 * about the recipient or the message is everybody's answer, and what may have been taken is never handed to another.
 *
 * | what happened | then |
 * |---|---|
 * | transient or deferred, and the provider's own fault | the next one |
 * | it took so long that we gave up, and it had taken nothing | the next one |
 * | it takes no more at once | the next one |
 * | it is down, paused, or cannot take this one | the next one |
 * | sent, permanent, ambiguous, a transient answer about this message | that is the outcome |
 * | nobody was left who could take it | deferred, longer each time: it costs no retry |
 * | the same, and it is about this one after all | transient: `nobody-took-it.ts` says when |
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
    const misses = refusals.map((one) => refusedBy(one, notification));
    return this.#tryEach(able, notification, signal, misses);
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
      const isLast = !able.slice(index + 1).some((next) => this.#isFree(next));
      const patienceMs = isLast ? undefined : this.#patienceMs(able);
      const { outcome, gaveUp } = await withPatience(patienceMs, async (patience) => ({
        outcome: await this.#try(provider, notification, signal, patience),
        gaveUp: patience?.aborted === true,
      }));
      // Who lost the claim was told to stop: that says nothing about the provider.
      if (signal.aborted && signal.reason !== TOO_SLOW) return outcome;
      this.#options.standings.observe(outcome);
      if (!isForTheNext(outcome, gaveUp) || able.length === 1)
        return { ...told(outcome, misses), counted: true };
      misses.push(missedBy(name, outcome));
      if (signal.aborted) break;
    }
    return nobodyTookIt(notification, { able, misses, standings: this.#options.standings });
  }

  #isFree({ name }: Provider): boolean {
    return this.#options.standings.obstacleOf(name) === undefined;
  }

  /** Each but the last leaves time for those behind it. */
  #patienceMs({ length }: readonly Provider[]): number {
    return Math.min(MAX_PATIENCE_MS, this.#options.timeoutMs / (length + 1));
  }

  #try(
    provider: Provider,
    notification: Notification,
    signal: AbortSignal,
    patience: AbortSignal | undefined,
  ): Promise<Outcome> {
    const { name } = provider;
    return this.#options.standings.during(name, () => {
      const handOver = provider.send(notification, signal, patience);
      return endOf(handOver, { signal, provider: name, graceMs: GRACE_MS });
    });
  }

  /** The sender's choice is kept: who named a provider gets that one or none. */
  #orderFor({ via }: Notification): readonly Provider[] {
    const { providers, route } = this.#options;
    const names = via === undefined ? route.next() : [via];
    return names.flatMap((name) => providers.get(name) ?? []);
  }
}

/** `gaveUp`: we ended it ourselves, to leave time for the next one. */
function isForTheNext(outcome: Outcome, gaveUp: boolean): outcome is NotSent {
  if (outcome.kind === 'transient') return outcome.providerFault === true || gaveUp;
  return outcome.kind === 'deferred' && (outcome.untried === true || outcome.providerFault === true);
}
