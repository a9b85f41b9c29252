import { SECOND } from '../../../shared/runtime/duration.ts';

/**
 * How long a difference must last, in milliseconds: a consumer records first and publishes its dead letter afterwards, the status counts
 * are a second or two behind, and messages that somebody looks at in the management UI are not there for a moment.
 */
const LASTS_MS = 10 * SECOND;

/** How many there are on both sides. */
export interface Look {
  /** Records that are dead. */
  dead: number;
  /** Messages that are ready in the dead-letter queue. */
  messages: number;
}

/** Tells a dead-letter queue that differs from the records from one that is a moment behind them. */
export class DriftWatch {
  #looks: (Look & { at: number })[] = [];

  /**
   * Answers undefined unless messages were missing, or too many, during all of the last ten seconds; else the fewest dead records and the
   * most messages of that time. Undefined until ten seconds were seen. `now` in milliseconds since the epoch.
   */
  judge(look: Look, now = Date.now()): Look | undefined {
    this.#looks.push({ at: now, ...look });
    // One look from before that time tells what the numbers were then.
    const oldest = this.#looks.findLastIndex(({ at }) => at <= now - LASTS_MS);
    if (oldest === -1) return undefined;
    this.#looks = this.#looks.slice(oldest);
    const dead = this.#looks.map((one) => one.dead);
    const messages = this.#looks.map((one) => one.messages);
    const isShort = Math.min(...dead) > Math.max(...messages);
    const isOver = Math.min(...messages) > Math.max(...dead);
    return isShort || isOver ? { dead: Math.min(...dead), messages: Math.max(...messages) } : undefined;
  }
}
