import { toError } from '../runtime/errors.ts';
import type { Logger } from '../runtime/logger.ts';
import { renewLeases, type Notifications } from '../store/index.ts';
import type { Claimed } from './claimed.ts';

/**
 * Prolongs the leases of what is being delivered, in bulk, and ends a delivery whose claim is lost: at the moment when its lease is over, not
 * at the next renewal, for from then on another consumer may deliver it.
 */
export class Leases {
  readonly #notifications: Notifications;
  readonly #leaseMs: number;
  readonly #log: Logger;
  readonly #held = new Set<Claimed>();
  #timer: NodeJS.Timeout | undefined;
  #renewing = false;
  #endTimer: NodeJS.Timeout | undefined;
  /** When it is next looked whether a lease is over, by `performance.now()`. */
  #endsAt = Infinity;

  constructor(options: { notifications: Notifications; leaseMs: number; log: Logger }) {
    this.#notifications = options.notifications;
    this.#leaseMs = options.leaseMs;
    this.#log = options.log;
  }

  /** Renews three times per lease, so that one failed renewal costs nothing. */
  start(): void {
    this.#timer ??= setInterval(() => void this.#renew(), this.#leaseMs / 3);
  }

  /** Ends renewing. */
  stop(): void {
    clearInterval(this.#timer);
    clearTimeout(this.#endTimer);
  }

  /** From now on this claim is renewed. Its lease counts from before the claim. */
  hold(claimed: Claimed): void {
    claimed.leaseUntil = claimed.claimedAt + this.#leaseMs;
    this.#held.add(claimed);
    this.#lookAt(claimed.leaseUntil);
  }

  /** The result is recorded. */
  drop(claimed: Claimed): void {
    this.#held.delete(claimed);
  }

  async #renew(): Promise<void> {
    if (this.#renewing) return;
    this.#renewing = true;
    try {
      await this.#renewAll();
    } catch (thrown) {
      this.#log.warn('leases could not be renewed', { error: toError(thrown) });
    } finally {
      this.#renewing = false;
    }
  }

  async #renewAll(): Promise<void> {
    // What was given up is somebody else's as soon as its lease is over.
    const claims = [...this.#held].filter(({ isLost }) => !isLost);
    if (claims.length === 0) return;
    const startedAt = performance.now();
    const kept = await renewLeases(
      this.#notifications,
      claims.map(({ record, token }) => ({ id: record._id, token })),
      this.#leaseMs,
    );
    for (const claimed of claims) {
      if (!this.#held.has(claimed)) continue;
      if (kept.has(claimed.record._id)) claimed.leaseUntil = startedAt + this.#leaseMs;
      else claimed.lose('somebody else took the claim over');
    }
  }

  /** One timer for the lease that ends first. Renewals move that on: then the timer finds nothing, and is set anew. */
  #lookAt(at: number): void {
    if (at >= this.#endsAt) return;
    clearTimeout(this.#endTimer);
    this.#endsAt = at;
    this.#endTimer = setTimeout(() => {
      this.#endsAt = Infinity;
      this.#endOver();
    }, at - performance.now());
  }

  #endOver(): void {
    let next = Infinity;
    for (const claimed of this.#held)
      if (claimed.isLost) claimed.lose('the lease ran out');
      else next = Math.min(next, claimed.leaseUntil);
    if (next < Infinity) this.#lookAt(next);
  }
}
