import { untilDone } from '../runtime/backoff.ts';
import { SECOND } from '../runtime/duration.ts';
import { toError } from '../runtime/errors.ts';
import type { Logger } from '../runtime/logger.ts';
import { newClaimToken, type ClaimOptions } from '../store/index.ts';
import type { Intake } from './intake.ts';

/**
 * After MongoDB was away, leases that ran out are left alone for so long, in milliseconds: who holds them may know a result, and records it
 * first. The lease sweep brings back what really was abandoned.
 */
const SETTLE_MS = 5 * SECOND;

/** Whose claims, and what is shut while MongoDB is away. */
export interface PatientClaimsOptions {
  intake: Intake;
  actor: string;
  leaseMs: number;
  log: Logger;
  /** Ends the patience. */
  signal: AbortSignal;
}

/**
 * Claims that wait for MongoDB. While it is away nothing is consumed and nothing is given back: each give-back would count towards the
 * delivery limit.
 */
export class PatientClaims {
  readonly #options: PatientClaimsOptions;
  #storeBackAt = -Infinity;

  constructor(options: PatientClaimsOptions) {
    this.#options = options;
  }

  /** Makes a claim, again and again with the same token until MongoDB has answered; undefined when the signal aborts. */
  async claim<T>(make: (options: ClaimOptions & { again: boolean }) => Promise<T>): Promise<T | undefined> {
    const { actor, leaseMs, signal } = this.#options;
    const token = newClaimToken();
    return untilDone(
      async (failures) => {
        const again = failures > 0;
        const takeOver = !again && performance.now() - this.#storeBackAt > SETTLE_MS;
        const claimed = await make({ token, actor, leaseMs, again, takeOver });
        await this.#storeIsBack();
        return claimed;
      },
      { signal, onFailure: (thrown) => this.#storeIsAway(toError(thrown)) },
    );
  }

  get #storeAway(): boolean {
    return this.#options.intake.shutReasons.includes('store');
  }

  async #storeIsAway(error: Error): Promise<void> {
    if (this.#storeAway) return;
    const { intake, log } = this.#options;
    log.warn('MongoDB cannot be reached; consuming is paused', { queue: intake.queue, error });
    await intake.shut('store');
  }

  async #storeIsBack(): Promise<void> {
    if (!this.#storeAway) return;
    const { intake, log } = this.#options;
    this.#storeBackAt = performance.now();
    log.info('MongoDB answers again; consuming', { queue: intake.queue });
    await intake.reopen('store');
  }
}
