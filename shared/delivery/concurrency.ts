import { MINUTE, SECOND } from '../runtime/duration.ts';
import type { Outcome } from './outcome.ts';

/** After a period without a refusal one more is tried; each one more that is refused doubles the period. Milliseconds. */
const RAISE_AFTER_MS = { least: SECOND, most: MINUTE };
/** A refused one comes back after so long, in milliseconds; spread, so that they do not come back together. */
const BACK_AFTER_MS = { least: SECOND, most: 3 * SECOND };

/**
 * How many deliveries at once a provider takes, found by trying, because servers do not announce it: a refused connection lowers the limit to
 * what the provider still serves beside it, and each quiet period raises it by one (additive increase, as TCP does).
 *
 * | a connection or request is refused as one too many | then |
 * |---|---|
 * | while the provider serves others of this process | the limit falls to those; the notification is deferred for a moment, and nothing counts as a fault |
 * | while it serves nobody else | it is the provider's fault, as any refusal |
 */
export class ConcurrencyLimit {
  readonly #now: () => number;
  #limit = Infinity;
  /** The limit counts as gone at so many: what went on when it was first found. */
  #goneAt = 0;
  #changedAt = 0;
  #raiseAfterMs = RAISE_AFTER_MS.least;
  /** Whether one more is being tried. */
  #isTrying = false;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** Deliveries at once; Infinity while the provider has refused none. */
  get limit(): number {
    return this.#limit;
  }

  /** Learns from an outcome that came while `others` went on beside it; answers what it means for its notification. */
  learn(outcome: Outcome, others: number): Outcome {
    if (outcome.kind === 'sent') this.#raise(others + 1);
    else if (outcome.overLimit && others > 0) {
      this.#lower(others);
      return deferred(outcome);
    }
    return outcome;
  }

  #lower(others: number): void {
    if (this.#limit === Infinity) this.#goneAt = others + 1;
    if (this.#isTrying) this.#raiseAfterMs = Math.min(2 * this.#raiseAfterMs, RAISE_AFTER_MS.most);
    this.#isTrying = false;
    this.#limit = Math.min(this.#limit, others);
    this.#changedAt = this.#now();
  }

  /** Only where all places were in use: what is not used proves nothing. */
  #raise(going: number): void {
    if (going < this.#limit || this.#now() - this.#changedAt < this.#raiseAfterMs) return;
    if (this.#isTrying) this.#raiseAfterMs = RAISE_AFTER_MS.least;
    this.#isTrying = true;
    this.#changedAt = this.#now();
    this.#limit = this.#limit + 1 < this.#goneAt ? this.#limit + 1 : Infinity;
  }
}

function deferred(refused: Exclude<Outcome, { kind: 'sent' }>): Outcome {
  const { provider, code, reason } = refused;
  const { least, most } = BACK_AFTER_MS;
  const askedMs = refused.kind === 'deferred' ? refused.afterMs : 0;
  return {
    kind: 'deferred',
    provider,
    code,
    reason: `the provider takes fewer at once: ${reason}`,
    afterMs: Math.max(askedMs, least + Math.random() * (most - least)),
    isOurs: true,
    untried: true,
  };
}
