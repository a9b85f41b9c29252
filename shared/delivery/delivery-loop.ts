import type { Broker } from '../broker/index.ts';
import { LANES, type Lane } from '../contracts/index.ts';
import type { Config } from '../runtime/config.ts';
import { SECOND } from '../runtime/duration.ts';
import { toError } from '../runtime/errors.ts';
import type { Check, CheckResult } from '../runtime/health.ts';
import type { Logger } from '../runtime/logger.ts';
import { SUSPECT_AT, type Notifications } from '../store/index.ts';
import { attempt, settledBefore } from './attempt.ts';
import { Breaker, type BreakerState } from './breaker.ts';
import { isStoreChannel, type DeliveryChannel, type StoreChannel } from './channel.ts';
import type { Claimed } from './claimed.ts';
import { decide } from './decide.ts';
import { HandOvers } from './hand-overs.ts';
import { Isolation } from './isolation.ts';
import { LaneSlots, type Limit } from './lane-slots.ts';
import { LaneWorker } from './lane-worker.ts';
import { Leases } from './leases.ts';
import type { Outcome } from './outcome.ts';
import { Pace } from './pace.ts';
import { Recorder } from './recorder.ts';

/** How long one is put off that could not begin, in milliseconds; spread, so that suspects do not meet again. */
const PUT_OFF_MS = { least: SECOND, most: 5 * SECOND };

/** The check that says whether the provider is down. */
export const PROVIDER_CHECK = 'provider';

/** What a channel's loop works with. */
export interface DeliveryLoopOptions {
  channel: DeliveryChannel | StoreChannel;
  broker: Broker;
  notifications: Notifications;
  config: Config;
  /** Hand-overs at once, of both lanes. */
  concurrency: number;
  /** Notifications that are claimed and not recorded yet, at most; as many as are handed over at once when not given. */
  inHand?: number | undefined;
  /** Deliveries that this process starts in a second at most; unbounded when not given. */
  perSecond?: number | undefined;
  log: Logger;
}

/**
 * The life of a message in a consumer: claim → deliver → record → next hop → acknowledge. The same for every provider; where our own store
 * is the provider, the first three are one write.
 */
export class DeliveryLoop {
  readonly #options: DeliveryLoopOptions;
  readonly #actor: string;
  readonly #breaker: Breaker;
  readonly #limits: readonly Limit[];
  readonly #slots: LaneSlots;
  readonly #leases: Leases;
  readonly #recorder: Recorder;
  readonly #isolation = new Isolation();
  readonly #handOvers: HandOvers;
  readonly #workers: readonly LaneWorker[];
  #isStopping = false;

  constructor(options: DeliveryLoopOptions) {
    const {
      channel,
      broker,
      notifications,
      config,
      concurrency,
      inHand = concurrency,
      perSecond,
      log,
    } = options;
    this.#options = options;
    this.#actor = `consumer:${channel.name}`;
    this.#breaker = new Breaker({
      onChange: (state) => {
        this.#providerIs(state);
      },
    });
    this.#handOvers = new HandOvers(concurrency);
    this.#limits = [
      this.#breaker,
      ...(isStoreChannel(channel) ? [] : [this.#handOvers]),
      this.#isolation,
      ...(perSecond === undefined ? [] : [new Pace(perSecond)]),
    ];
    this.#slots = new LaneSlots(Math.max(inHand, concurrency), this.#limits);
    this.#leases = new Leases({ notifications, leaseMs: config.LEASE_SECONDS * SECOND, log });
    this.#recorder = new Recorder({
      notifications,
      publisher: broker.publisher,
      retentionDays: config.RETENTION_DAYS,
      log,
    });
    this.#workers = LANES.map((lane) => this.#worker(lane));
  }

  /** Begins to consume both lanes. */
  start(): void {
    this.#leases.start();
    for (const worker of this.#workers) worker.start();
  }

  /** Takes no new work, puts off what has not begun, finishes and records what is in flight, acknowledges it, and closes. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#handOvers.letAllBegin();
    await Promise.all(this.#workers.map((worker) => worker.drain()));
    await this.#slots.idle();
    await Promise.all(this.#workers.map((worker) => worker.stop()));
    this.#leases.stop();
    for (const limit of this.#limits) limit.stop();
    const { channel } = this.#options;
    if (!isStoreChannel(channel)) await channel.stop?.();
  }

  /** One check a lane, and one of the provider, which only degrades: nothing of ours is broken when it is down. */
  checks(): Record<string, Check> {
    return {
      ...Object.fromEntries(LANES.map((lane, index) => [`consuming ${lane}`, () => this.#checkLane(index)])),
      [PROVIDER_CHECK]: () => this.#checkProvider(),
    };
  }

  #checkProvider(): CheckResult {
    const { state, faultRatio } = this.#breaker;
    if (state === 'closed') return { ok: true };
    return {
      ok: false,
      detail: `the breaker is ${state}; ${Math.round(faultRatio * 100)} % of the last outcomes were the provider's faults`,
    };
  }

  #providerIs(state: BreakerState): void {
    const { log, channel } = this.#options;
    if (state === 'open')
      log.error('the provider is down or asks us to wait; consuming stops', { channel: channel.name });
    else
      log.info(state === 'closed' ? 'the provider is back; consuming' : 'trying the provider', {
        channel: channel.name,
      });
    if (state === 'open') this.#handOvers.letAllBegin();
    for (const worker of this.#workers) void worker.providerIs(state);
  }

  #checkLane(index: number): ReturnType<Check> {
    return this.#workers[index]?.check() ?? { ok: false, detail: 'no such lane' };
  }

  #worker(lane: Lane): LaneWorker {
    const { channel, broker, notifications, config, log } = this.#options;
    return new LaneWorker({
      channel: channel.name,
      lane,
      broker,
      notifications,
      slots: this.#slots,
      leaseMs: config.LEASE_SECONDS * SECOND,
      attemptMs: config.DELIVERY_TIMEOUT_SECONDS * SECOND,
      actor: this.#actor,
      log,
      work: isStoreChannel(channel)
        ? { atOnce: { provider: channel.provider, retentionDays: config.RETENTION_DAYS } }
        : { handle: (claimed) => this.#handle(channel, claimed) },
    });
  }

  async #handle(channel: DeliveryChannel, claimed: Claimed): Promise<void> {
    const { record } = claimed;
    this.#leases.hold(claimed);
    try {
      const settled = settledBefore(claimed, channel);
      if (settled) await this.#finish(claimed, settled);
      else {
        const isSuspect = record.interrupted >= SUSPECT_AT;
        const delivery = this.#isolation.run(isSuspect, () => this.#deliver(channel, claimed));
        await (delivery ?? this.#finish(claimed, putOff(channel, 'isolated')));
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

  async #deliver(channel: DeliveryChannel, claimed: Claimed): Promise<void> {
    const { config, log } = this.#options;
    const timeoutMs = config.DELIVERY_TIMEOUT_SECONDS * SECOND;
    const tried = await this.#handOvers.run(
      claimed.record.lane,
      async () => this.#refusal(channel, claimed) ?? (await attempt(channel, claimed, { timeoutMs, log })),
    );
    if (tried === 'lost') return;
    // Who lost the claim was told to stop: that says nothing about the provider.
    await this.#finish(claimed, claimed.isLost ? tried : this.#breaker.observe(tried));
  }

  /** Much may have happened since the claim: why it is not handed over now that it is its turn. */
  #refusal(channel: DeliveryChannel, claimed: Claimed): Outcome | 'lost' | undefined {
    // Whoever holds the claim now delivers it.
    if (claimed.isLost) return 'lost';
    if (this.#isStopping) return putOff(channel, 'stopping');
    if (this.#breaker.state === 'open') return putOff(channel, 'provider_down');
    return settledBefore(claimed, channel);
  }

  async #finish(claimed: Claimed, outcome: Outcome): Promise<void> {
    const context = { delays: this.#options.config.RETRY_DELAYS, actor: this.#actor, now: new Date() };
    await this.#recorder.finish({ claimed, decision: decide(claimed.record, outcome, context) });
  }
}

/** Why something that is claimed waits without a claim: with one, an end of the process would interrupt it as well. */
const REASONS = {
  isolated: 'one that was interrupted before is being sent alone',
  stopping: 'the consumer stops, and had not begun with it',
  provider_down: 'the provider is down',
} as const;

function putOff({ name: provider }: DeliveryChannel, code: keyof typeof REASONS): Outcome {
  const { least, most } = PUT_OFF_MS;
  return {
    kind: 'deferred',
    provider,
    code,
    reason: REASONS[code],
    afterMs: least + Math.random() * (most - least),
    untried: true,
  };
}
