import type { Publisher } from '../broker/index.ts';
import type { Notification } from '../contracts/index.ts';
import type { Config } from '../runtime/config.ts';
import { SECOND } from '../runtime/duration.ts';
import { toError } from '../runtime/errors.ts';
import type { CheckResult } from '../runtime/health.ts';
import type { Logger } from '../runtime/logger.ts';
import { SUSPECT_AT, type Notifications, type Suppressions } from '../store/index.ts';
import { attempt, settledBefore } from './attempt.ts';
import type { DeliveryChannel } from './channel.ts';
import type { Claimed } from './claimed.ts';
import { decide } from './decide.ts';
import { HandOvers } from './hand-overs.ts';
import { Isolation } from './isolation.ts';
import type { Limit } from './lane-slots.ts';
import { Leases } from './leases.ts';
import { afterFault } from './nobody-took-it.ts';
import type { Outcome } from './outcome.ts';
import type { PauseLimit } from './pause-limit.ts';
import { Recorder } from './recorder.ts';
import type { Standings } from './standings.ts';
import { SuppressionLook } from './suppression-look.ts';

/** How long one is put off that could not begin, in milliseconds; spread, so that suspects do not meet again. */
const PUT_OFF_MS = { least: SECOND, most: 5 * SECOND };

/** What deliveries to a provider work with. */
export interface DeliveriesOptions {
  channel: DeliveryChannel;
  standings: Standings;
  pause: PauseLimit;
  notifications: Notifications;
  suppressions: Pick<Suppressions, 'among' | 'add'>;
  publisher: Publisher;
  config: Config;
  /** Hand-overs at once, of both lanes. */
  concurrency: number;
  actor: string;
  log: Logger;
}

/** What happens to each claimed notification until its result is recorded and its next hop published. */
export class Deliveries {
  readonly #options: DeliveriesOptions;
  readonly #handOvers: HandOvers;
  readonly #isolation = new Isolation();
  readonly #leases: Leases;
  readonly #recorder: Recorder;
  readonly #suppressionLook: SuppressionLook;
  #isStopping = false;

  constructor(options: DeliveriesOptions) {
    const { config, concurrency } = options;
    this.#options = options;
    this.#handOvers = new HandOvers(concurrency, () => options.standings.limit);
    this.#leases = new Leases({ ...options, leaseMs: config.LEASE_SECONDS * SECOND });
    this.#recorder = new Recorder({ ...options, retentionDays: config.RETENTION_DAYS });
    this.#suppressionLook = new SuppressionLook({ ...options, provider: options.channel.provider });
  }

  /** What bounds how many may be claimed now. */
  get limits(): readonly Limit[] {
    return [this.#handOvers, this.#isolation];
  }

  /** Whether it is known who is not to get anything. */
  checkSuppressions(): Promise<CheckResult> {
    return this.#suppressionLook.check();
  }

  /** Begins to renew the leases of what is in hand. */
  start(): void {
    this.#leases.start();
  }

  /** What has not begun is put off from now on. */
  drain(): void {
    this.#isStopping = true;
    this.putOffWaiting();
  }

  /** Lets those that wait for their turn find out that it does not come. */
  putOffWaiting(): void {
    this.#handOvers.letAllBegin();
  }

  /** After the last one. */
  async stop(): Promise<void> {
    this.#leases.stop();
    await this.#options.channel.stop?.();
  }

  /**
   * Begins with what one claim brought, once it is known for all of it whether something stands in the way: that belongs to the claim's own time.
   * `onEnd` hears of each that is recorded. Never throws.
   */
  async begin(claimed: readonly Claimed[], onEnd: (claimed: Claimed) => void): Promise<void> {
    for (const one of claimed) this.#leases.hold(one);
    const hasSuspect = claimed.some(({ record }) => record.interrupted >= SUSPECT_AT);
    const begun = hasSuspect ? this.#isolation.expect() : undefined;
    const refusals = await this.#suppressionLook.refusalsOf(claimed.map(({ record }) => record));
    for (const [index, one] of claimed.entries()) {
      one.refusal = refusals[index];
      void this.#handle(one).then(() => {
        onEnd(one);
      });
    }
    begun?.();
  }

  /** Has one delivered and recorded; never throws. */
  async #handle(claimed: Claimed): Promise<void> {
    const { record } = claimed;
    try {
      const settled = settledBefore(claimed, this.#options.channel);
      if (settled) await this.#finish(claimed, settled);
      else {
        const isSuspect = record.interrupted >= SUSPECT_AT;
        const delivery = this.#isolation.run(isSuspect, () => this.#deliver(claimed));
        await (delivery ?? this.#finish(claimed, putOff(this.#options.channel, 'isolated')));
      }
    } catch (thrown) {
      // Nothing of ours may end the loop: the lease runs out, and the sweep brings the record back.
      this.#options.log.error('a delivery failed inside the loop: this is a bug', {
        id: record._id,
        error: toError(thrown),
      });
    } finally {
      this.#leases.drop(claimed);
    }
  }

  async #deliver(claimed: Claimed): Promise<void> {
    const { channel, config, log } = this.#options;
    const timeoutMs = config.DELIVERY_TIMEOUT_SECONDS * SECOND;
    const tried = await this.#handOvers.run(
      claimed.record.lane,
      async () => this.#refusal(claimed) ?? (await attempt(channel, claimed, { timeoutMs, log })),
    );
    if (tried === 'lost') return;
    await this.#finish(claimed, claimed.isLost ? tried : this.#judge(claimed.record, tried));
  }

  /** Counts an outcome for its provider. Not for one who lost the claim: that one was told to stop, which says nothing about the provider. */
  #judge(record: Notification, outcome: Outcome): Outcome {
    const { standings } = this.#options;
    standings.observe(outcome);
    return afterFault(record, outcome, standings);
  }

  /** Much may have happened since the claim: why it is not handed over now that it is its turn. */
  #refusal(claimed: Claimed): Outcome | 'lost' | undefined {
    const { standings, channel, pause } = this.#options;
    // Whoever holds the claim now delivers it.
    if (claimed.isLost) return 'lost';
    if (this.#isStopping) return putOff(channel, 'stopping');
    if (pause.isPaused) return putOff(channel, 'paused');
    if (standings.state === 'open') return putOff(channel, 'provider_down');
    return settledBefore(claimed, channel) ?? claimed.refusal;
  }

  async #finish(claimed: Claimed, outcome: Outcome): Promise<void> {
    const context = {
      delays: this.#options.config.RETRY_DELAYS,
      actor: this.#options.actor,
      now: new Date(),
    };
    await this.#recorder.finish({ claimed, decision: decide(claimed.record, outcome, context) });
  }
}

/** Why something that is claimed waits without a claim: with one, an end of the process would interrupt it as well. */
const REASONS = {
  isolated: 'one that was interrupted before is being sent alone',
  stopping: 'the consumer stops, and had not begun with it',
  paused: 'an operator has paused it',
  provider_down: 'the provider is down',
} as const;

function putOff({ provider }: DeliveryChannel, code: keyof typeof REASONS): Outcome {
  const { least, most } = PUT_OFF_MS;
  return {
    kind: 'deferred',
    provider,
    code,
    reason: REASONS[code],
    afterMs: least + Math.random() * (most - least),
    isOurs: true,
    untried: true,
  };
}
