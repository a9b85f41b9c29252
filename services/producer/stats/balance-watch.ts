import { SECOND } from '../../../shared/runtime/duration.ts';

/** How long a drift must have been seen before it counts, in milliseconds: the books are a second or two behind what MongoDB counts. */
const LASTS_MS = 5 * SECOND;

/** What the balance line says. */
export type Verdict = 'balances' | 'moving' | 'differs';

/** Tells a drift that is there from one that only shows that much is going on. */
export class BalanceWatch {
  #driftsSince: number | undefined;

  /** Judges a drift; `lately` is how many were accepted in the last minute or two, which may not all be in the books yet. */
  judge(drift: number, lately: number, now = Date.now()): Verdict {
    if (drift === 0) this.#driftsSince = undefined;
    if (drift === 0) return 'balances';
    this.#driftsSince ??= now;
    const isLasting = now - this.#driftsSince >= LASTS_MS;
    return isLasting && Math.abs(drift) > lately ? 'differs' : 'moving';
  }
}
