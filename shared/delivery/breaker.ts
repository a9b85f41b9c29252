import { MINUTE, SECOND } from '../runtime/duration.ts';
import type { Outcome } from './outcome.ts';
import type { Limit } from './lane-slots.ts';

/** Outcomes remembered at most. */
const WINDOW = 50;
/** Fewer outcomes say nothing about a provider. */
const MIN_SAMPLES = 20;
/** An outcome says nothing about now when it is older than this, in milliseconds. */
const MAX_AGE_MS = 5 * MINUTE;
/** Share of the provider's faults from which on it counts as down. */
const FAULT_RATIO = 0.5;
/** Tries that a provider gets when it may be back: some recipients get errors from a provider that is fine for all others. */
const PROBES = 10;
/** How long nothing is tried after it opened, in milliseconds; doubled with each try that fails. */
const FIRST_COOL_DOWN_MS = 5 * SECOND;
const MAX_COOL_DOWN_MS = MINUTE;
/** A provider that asks all of us to wait is believed up to here, in milliseconds. */
const MAX_REST_MS = 10 * MINUTE;

/** closed: all goes through; open: nothing; half-open: a few, to see whether the provider is back. */
export type BreakerState = 'closed' | 'open' | 'half-open';

/**
 * Stops work for a provider that is down, so that a backlog is not claimed, tried and deferred again and again. Per process; it counts faults
 * of the provider only. It does not decide what a fault costs its notification: see `decide.ts`.
 *
 * | state | when | then |
 * |---|---|---|
 * | closed | half of the last 20 to 50 outcomes are the provider's faults | open for 5 s |
 * | open | the cool-down is over | half-open: ten deliveries |
 * | half-open | one of them is not the provider's fault | closed |
 * | half-open | all ten are | open, twice as long, at most a minute |
 * | any | the provider asked to wait (429 with Retry-After) | open for so long, then half-open |
 */
export class Breaker implements Limit {
  readonly #now: () => number;
  readonly #onChange: (state: BreakerState) => void;
  #samples: { at: number; fault: boolean }[] = [];
  #state: BreakerState = 'closed';
  #coolDownMs = FIRST_COOL_DOWN_MS;
  /** Faults since it is half-open. */
  #failedProbes = 0;
  #openUntil = 0;
  #timer: NodeJS.Timeout | undefined;
  #wake = (): void => undefined;

  constructor(options: { onChange?: (state: BreakerState) => void; now?: () => number } = {}) {
    this.#now = options.now ?? (() => performance.now());
    this.#onChange = options.onChange ?? (() => undefined);
  }

  /** What it lets through. */
  get state(): BreakerState {
    return this.#state;
  }

  /** Share of the provider's faults among the outcomes remembered, 0 to 1. */
  get faultRatio(): number {
    const recent = this.#recent();
    return recent.length === 0 ? 0 : recent.filter(({ fault }) => fault).length / recent.length;
  }

  /** How long it stays open, in milliseconds; 0 when it is not. */
  get openForMs(): number {
    return this.#state === 'open' ? Math.max(this.#openUntil - this.#now(), 0) : 0;
  }

  free(taken: number): number {
    if (this.#state === 'closed') return Infinity;
    return this.#state === 'half-open' ? Math.max(0, PROBES - this.#failedProbes - taken) : 0;
  }

  onFree(wake: () => void): void {
    this.#wake = wake;
  }

  /** Counts an outcome. */
  observe(outcome: Outcome): void {
    if (outcome.kind !== 'sent' && outcome.untried) return;
    const fault = outcome.kind !== 'sent' && outcome.providerFault === true;
    if (outcome.kind === 'deferred' && fault) this.#rest(outcome.afterMs);
    else this.#count(fault);
  }

  /** Forgets its timer. */
  stop(): void {
    clearTimeout(this.#timer);
  }

  #count(fault: boolean): void {
    this.#samples = [...this.#recent(), { at: this.#now(), fault }].slice(-WINDOW);
    if (this.#state === 'half-open') this.#judgeProbe(fault);
    else if (
      this.#state === 'closed' &&
      this.#samples.length >= MIN_SAMPLES &&
      this.faultRatio >= FAULT_RATIO
    )
      this.#open(FIRST_COOL_DOWN_MS);
  }

  #judgeProbe(fault: boolean): void {
    if (!fault) {
      this.#close();
      return;
    }
    this.#failedProbes += 1;
    if (this.#failedProbes >= PROBES) this.#open(Math.min(this.#coolDownMs * 2, MAX_COOL_DOWN_MS));
  }

  #recent(): { at: number; fault: boolean }[] {
    const since = this.#now() - MAX_AGE_MS;
    return this.#samples.filter(({ at }) => at >= since);
  }

  #rest(afterMs: number): void {
    const ms = Math.min(afterMs, MAX_REST_MS);
    if (this.#now() + ms > this.#openUntil) this.#openFor(ms);
  }

  #open(coolDownMs: number): void {
    this.#coolDownMs = coolDownMs;
    this.#openFor(coolDownMs);
  }

  #openFor(ms: number): void {
    clearTimeout(this.#timer);
    this.#openUntil = this.#now() + ms;
    this.#failedProbes = 0;
    this.#timer = setTimeout(() => {
      this.#become('half-open');
    }, ms).unref();
    this.#become('open');
  }

  #close(): void {
    this.#samples = [];
    this.#coolDownMs = FIRST_COOL_DOWN_MS;
    this.#become('closed');
  }

  #become(state: BreakerState): void {
    if (this.#state === state) return;
    this.#state = state;
    this.#onChange(state);
    this.#wake();
  }
}
