import type { ProviderStanding } from '../contracts/index.ts';
import { MINUTE } from '../runtime/duration.ts';
import type { BreakerState } from './breaker.ts';
import type { Limit } from './lane-slots.ts';
import type { Outcome } from './outcome.ts';
import { Standing } from './standing.ts';

/** Tries at once of a provider that may be back, while another carries: what hangs there holds places that the other could use. */
const PROBES_BESIDE_ANOTHER = 2;

/** When an operator lets a paused one go on, nobody knows: it is looked at again after so long, in milliseconds. */
const PAUSED_FOR_MS = MINUTE;

/** Who is told when something changes. */
export interface StandingsWatch {
  /** What the channel as a whole lets through. */
  onChange?: (state: BreakerState) => void;
  /** What one of several providers does, and whether another carries meanwhile. */
  onProvider?: (name: string, state: BreakerState) => void;
}

/**
 * How the providers of a channel do: each has a breaker of its own and may be paused alone. The channel goes on while one of them does; for
 * one provider this is its breaker and nothing else.
 */
export class Standings implements Limit {
  readonly #standings: readonly Standing[];
  #watch: StandingsWatch = {};
  #state: BreakerState = 'closed';

  /** `names`: in the order in which they are tried. */
  constructor(names: readonly string[]) {
    this.#standings = names.map(
      (name) =>
        new Standing(name, (state) => {
          this.#became(name, state);
        }),
    );
  }

  /** What the channel as a whole lets through: as much as the best of those that are not paused. */
  get state(): BreakerState {
    return this.#state;
  }

  /** In the order in which they are tried. */
  get names(): string[] {
    return this.#standings.map(({ name }) => name);
  }

  /** What the pages show of each, while so many of the channel are under way. */
  shown(taken: number): ProviderStanding[] {
    const isOnly = this.#standings.length === 1;
    return this.#standings.map((one) => one.shown(isOnly ? taken : one.going));
  }

  /** Says who is told. */
  watch(watch: StandingsWatch): void {
    this.#watch = watch;
  }

  free(taken: number): number {
    let free = 0;
    for (const { breaker } of this.#usable()) free = Math.max(free, breaker.free(taken));
    return free;
  }

  onFree(wake: () => void): void {
    for (const { breaker } of this.#standings) breaker.onFree(wake);
  }

  stop(): void {
    for (const { breaker } of this.#standings) breaker.stop();
  }

  /** Says which of them operators have paused. */
  pause(isPaused: (name: string) => boolean): void {
    for (const standing of this.#standings) standing.isPaused = isPaused(standing.name);
    this.#judge();
  }

  /** Deliveries at once that the channel's providers take together; Infinity while none of them has refused one as too many. */
  get limit(): number {
    const carrying = this.#usable().filter(({ breaker }) => breaker.state !== 'open');
    return carrying.length === 0 ? Infinity : carrying.reduce((sum, { limit }) => sum + limit, 0);
  }

  /** Why nothing may be handed to it now; undefined when something may. */
  obstacleOf(name: string): string | undefined {
    const { breaker, isPaused, going, limit } = this.#of(name);
    if (isPaused) return 'an operator has paused it';
    if (going >= limit) return `it takes ${limit} at once`;
    if (breaker.state === 'closed') return undefined;
    if (breaker.state === 'open') return 'it is down';
    const room = Math.min(
      breaker.free(going),
      this.#carriesBeside(name) ? PROBES_BESIDE_ANOTHER - going : Infinity,
    );
    return room > 0 ? undefined : 'it was down, and is being tried with others';
  }

  /** How long until one of these may be back, in milliseconds; 0 when one is there. */
  backInMs(names: readonly string[]): number {
    return Math.min(
      ...names.map((name) => {
        const { breaker, isPaused } = this.#of(name);
        return Math.max(breaker.openForMs, isPaused ? PAUSED_FOR_MS : 0);
      }),
    );
  }

  /** Whether it carries, and answered well within the last milliseconds: it took one, or said something about one. */
  wasWellWithin(name: string, ms: number): boolean {
    const { breaker, wellAt } = this.#of(name);
    return breaker.state === 'closed' && performance.now() - wellAt < ms;
  }

  /** Hands over to one of several, and counts what came of it. */
  during(name: string, work: () => Promise<Outcome>): Promise<Outcome> {
    return this.#of(name).during(work);
  }

  /** Counts an outcome for its provider, unless that was done. */
  observe(outcome: Outcome): void {
    if (!outcome.counted) this.#of(outcome.provider).observe(outcome);
  }

  #became(name: string, state: BreakerState): void {
    if (this.#standings.length > 1) this.#watch.onProvider?.(name, state);
    this.#judge();
  }

  #judge(): void {
    const states = this.#usable().map(({ breaker }) => breaker.state);
    const best = (['closed', 'half-open'] as const).find((state) => states.includes(state)) ?? 'open';
    if (best === this.#state) return;
    this.#state = best;
    this.#watch.onChange?.(best);
  }

  /** When all are paused the channel is, and none of them counts as down for it. */
  #usable(): readonly Standing[] {
    const running = this.#standings.filter(({ isPaused }) => !isPaused);
    return running.length === 0 ? this.#standings : running;
  }

  #carriesBeside(name: string): boolean {
    return this.#usable().some((other) => other.name !== name && other.breaker.state === 'closed');
  }

  /** An outcome of something around the providers speaks for the first. */
  #of(name: string): Standing {
    const standing = this.#standings.find((one) => one.name === name) ?? this.#standings[0];
    if (!standing) throw new RangeError('a channel has at least one provider');
    return standing;
  }
}
