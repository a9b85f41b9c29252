import type { ProviderStanding } from '../contracts/index.ts';
import { Breaker, type BreakerState } from './breaker.ts';
import { ConcurrencyLimit } from './concurrency.ts';
import { HourCount } from './hour-count.ts';
import type { Outcome } from './outcome.ts';

/** How one provider of a channel does. */
export class Standing {
  readonly name: string;
  readonly breaker: Breaker;
  isPaused = false;
  #sent = 0;
  #going = 0;
  readonly #lastHour = new HourCount();
  readonly #concurrency = new ConcurrencyLimit();
  /** When it last answered well, in milliseconds since the epoch. */
  #wellAt = -Infinity;
  #downSince: Date | undefined;

  constructor(name: string, onChange: (state: BreakerState) => void) {
    this.name = name;
    this.breaker = new Breaker({
      onChange: (state) => {
        this.#downSince = state === 'closed' ? undefined : (this.#downSince ?? new Date());
        onChange(state);
      },
    });
  }

  /** Deliveries to it that are under way. */
  get going(): number {
    return this.#going;
  }

  /** Deliveries at once that it takes; Infinity while it has refused none. */
  get limit(): number {
    return this.#concurrency.limit;
  }

  /** When it last took one, or said something about one, in milliseconds since the epoch. */
  get wellAt(): number {
    return this.#wellAt;
  }

  /** What the pages show of it, while so many are under way. */
  shown(in_flight: number): ProviderStanding {
    return {
      name: this.name,
      is_paused: this.isPaused,
      in_flight,
      breaker: this.breaker.state,
      fault_ratio: this.breaker.faultRatio,
      sent: this.#sent,
      last_hour: this.#lastHour.ended,
      ...(this.limit < Infinity && { concurrency_limit: this.limit }),
      ...(this.#downSince && { down_since: this.#downSince }),
    };
  }

  /** Delivers to it, and learns how many it takes at once. */
  async during(work: () => Promise<Outcome>): Promise<Outcome> {
    const startedAt = performance.now();
    this.#going += 1;
    try {
      const outcome = await work();
      // Those beside it may have just come to their end.
      const justServed = this.#wellAt >= startedAt ? 1 : 0;
      return this.#concurrency.learn(outcome, Math.max(this.#going - 1, justServed));
    } finally {
      this.#going -= 1;
    }
  }

  /** Counts an outcome of it. */
  observe(outcome: Outcome): void {
    if (outcome.kind === 'sent') this.#sent += 1;
    if (isEnd(outcome)) this.#lastHour.add(outcome.kind === 'sent' ? 'sent' : 'failed');
    if (isWell(outcome)) this.#wellAt = performance.now();
    this.breaker.observe(outcome);
  }
}

function isWell(outcome: Outcome): boolean {
  return outcome.kind === 'sent' || !(outcome.untried || outcome.providerFault);
}

/** What is put off has not ended. */
function isEnd(outcome: Outcome): boolean {
  return outcome.kind === 'sent' || !(outcome.untried || outcome.kind === 'deferred');
}
