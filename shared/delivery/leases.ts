import { toError } from '../runtime/errors.ts';
import type { Logger } from '../runtime/logger.ts';
import { renewLeases, type Notifications } from '../store/index.ts';
import type { Claimed } from './claimed.ts';

/** Prolongs the leases of what is being delivered, in bulk, and tells a delivery when its claim is lost. */
export class Leases {
  readonly #notifications: Notifications;
  readonly #leaseMs: number;
  readonly #log: Logger;
  readonly #held = new Map<Claimed, number>();
  #timer: NodeJS.Timeout | undefined;
  #renewing = false;

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
  }

  /** From now on this claim is renewed; until then it is ours by its own clock, which never thinks it longer than it is. */
  hold(claimed: Claimed): void {
    this.#held.set(claimed, claimed.claimedAt + this.#leaseMs);
  }

  /** The result is recorded. */
  drop(claimed: Claimed): void {
    this.#held.delete(claimed);
  }

  async #renew(): Promise<void> {
    // Also while a renewal hangs: who no longer has the claim must not hand over.
    this.#abortExpired();
    if (this.#renewing) return;
    this.#renewing = true;
    try {
      await this.#renewAll();
    } catch (thrown) {
      this.#log.warn('leases could not be renewed', { error: toError(thrown) });
    } finally {
      this.#renewing = false;
      this.#abortExpired();
    }
  }

  async #renewAll(): Promise<void> {
    // What was given up is somebody else's as soon as its lease is over.
    const claims = [...this.#held.keys()].filter(({ isLost }) => !isLost);
    if (claims.length === 0) return;
    const startedAt = Date.now();
    const kept = await renewLeases(
      this.#notifications,
      claims.map(({ record, token }) => ({ id: record._id, token })),
      this.#leaseMs,
    );
    for (const claimed of claims) {
      if (!this.#held.has(claimed)) continue;
      if (kept.has(claimed.record._id)) this.#held.set(claimed, startedAt + this.#leaseMs);
      else claimed.lose('somebody else took the claim over');
    }
  }

  #abortExpired(): void {
    for (const [claimed, until] of this.#held) if (until < Date.now()) claimed.lose('the lease ran out');
  }
}
