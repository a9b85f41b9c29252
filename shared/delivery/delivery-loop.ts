import type { Broker } from '../broker/index.ts';
import { LANES, pauseOfChannel, pauseOfProvider, type Lane, type Presence } from '../contracts/index.ts';
import type { Config } from '../runtime/config.ts';
import { SECOND } from '../runtime/duration.ts';
import type { Check, CheckResult } from '../runtime/health.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Notifications, Suppressions } from '../store/index.ts';
import type { BreakerState } from './breaker.ts';
import { isStoreChannel, type DeliveryChannel, type StoreChannel } from './channel.ts';
import { Deliveries } from './deliveries.ts';
import { LaneSlots, type Limit } from './lane-slots.ts';
import { LaneWorker, type LaneWork } from './lane-worker.ts';
import { Pace } from './pace.ts';
import { PauseLimit } from './pause-limit.ts';
import { Standings } from './standings.ts';

/** The check that says whether the provider is down. */
export const PROVIDER_CHECK = 'provider';

/** What a channel's loop works with. */
export interface DeliveryLoopOptions {
  channel: DeliveryChannel | StoreChannel;
  broker: Broker;
  notifications: Notifications;
  /** Who is not to get anything. */
  suppressions: Pick<Suppressions, 'among' | 'add'>;
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
  readonly #standings: Standings;
  readonly #pause = new PauseLimit();
  readonly #limits: readonly Limit[];
  readonly #slots: LaneSlots;
  /** None where our own store is the provider. */
  readonly #deliveries: Deliveries | undefined;
  readonly #work: LaneWork;
  readonly #workers: readonly LaneWorker[];
  /** Whether operators have said so, and not only that it is not known yet. */
  #isOrdered = false;

  constructor(options: DeliveryLoopOptions) {
    const { channel, config, concurrency, inHand = concurrency, perSecond } = options;
    this.#options = options;
    this.#actor = `consumer:${channel.name}`;
    this.#standings = standingsOf(channel);
    this.#standings.watch({
      onChange: (state) => {
        this.#providersAre(state);
      },
      onProvider: (provider, state) => {
        this.#options.log.warn(`the breaker of ${provider} is ${state}`, { channel: channel.name });
      },
    });
    if (isStoreChannel(channel))
      this.#work = { atOnce: { provider: channel.provider, retentionDays: config.RETENTION_DAYS } };
    else {
      this.#deliveries = this.#deliveriesOf(channel);
      this.#work = this.#deliveries;
    }
    this.#limits = [
      this.#standings,
      this.#pause,
      ...(this.#deliveries?.limits ?? []),
      ...(perSecond === undefined ? [] : [new Pace(perSecond)]),
    ];
    this.#slots = new LaneSlots(Math.max(inHand, concurrency), this.#limits);
    this.#workers = LANES.map((lane) => this.#worker(lane));
  }

  /** What the pages show of it. */
  get presence(): NonNullable<Presence['delivery']> {
    return {
      channel: this.#options.channel.name,
      providers: this.#standings.shown(this.#slots.taken),
      is_paused: this.#isOrdered,
      in_flight: this.#slots.taken,
    };
  }

  /**
   * Takes what operators have paused: the channel, or some of its providers, which are passed over while there are others. Paused as a whole,
   * nothing is consumed, what has not begun is put off, and what has begun comes to its end. Until this is called for the first time nothing
   * begins.
   */
  pause(orders: readonly string[]): void {
    const { log, channel } = this.#options;
    const isProviderPaused = (name: string): boolean => orders.includes(pauseOfProvider(name));
    this.#standings.pause(isProviderPaused);
    const isPaused =
      orders.includes(pauseOfChannel(channel.name)) || this.#standings.names.every(isProviderPaused);
    if (isPaused !== this.#isOrdered)
      log.warn(isPaused ? 'paused by an operator; consuming stops' : 'no longer paused; consuming', {
        channel: channel.name,
      });
    this.#isOrdered = isPaused;
    this.#pause.set(isPaused);
    if (isPaused) this.#deliveries?.putOffWaiting();
    for (const worker of this.#workers) void worker.shutWhile('paused', isPaused);
  }

  /** Begins to consume both lanes. */
  start(): void {
    this.#deliveries?.start();
    for (const worker of this.#workers) {
      void worker.shutWhile('paused', this.#pause.isPaused);
      worker.start();
    }
  }

  /** Takes no new work, puts off what has not begun, finishes and records what is in flight, acknowledges it, and closes. */
  async stop(): Promise<void> {
    this.#deliveries?.drain();
    await Promise.all(this.#workers.map((worker) => worker.drain()));
    await this.#slots.idle();
    await Promise.all(this.#workers.map((worker) => worker.stop()));
    for (const limit of this.#limits) limit.stop();
    await this.#deliveries?.stop();
  }

  /** One check a lane, one of the suppressions, and one of the provider, which only degrades: nothing of ours is broken when it is down. */
  checks(): Record<string, Check> {
    const deliveries = this.#deliveries;
    return {
      ...Object.fromEntries(LANES.map((lane, index) => [`consuming ${lane}`, () => this.#checkLane(index)])),
      ...(deliveries && { suppressions: () => deliveries.checkSuppressions() }),
      [PROVIDER_CHECK]: () => this.#checkProvider(),
    };
  }

  #checkProvider(): CheckResult {
    const troubled = this.#standings.shown(0).filter(({ breaker }) => breaker !== 'closed');
    if (troubled.length === 0) return { ok: true };
    const details = troubled.map(
      ({ name, breaker, fault_ratio }) =>
        `${name}: the breaker is ${breaker}; ${Math.round(fault_ratio * 100)} % of the last outcomes were the provider's faults`,
    );
    return { ok: false, detail: details.join('; ') };
  }

  #providersAre(state: BreakerState): void {
    const { log, channel } = this.#options;
    if (state === 'open')
      log.error('the provider is down or asks us to wait; consuming stops', { channel: channel.name });
    else
      log.info(state === 'closed' ? 'the provider is back; consuming' : 'trying the provider', {
        channel: channel.name,
      });
    if (state === 'open') this.#deliveries?.putOffWaiting();
    for (const worker of this.#workers) void worker.shutWhile('provider', state === 'open');
  }

  #checkLane(index: number): ReturnType<Check> {
    return this.#workers[index]?.check() ?? { ok: false, detail: 'no such lane' };
  }

  #deliveriesOf(channel: DeliveryChannel): Deliveries {
    const { publisher } = this.#options.broker;
    return new Deliveries({
      ...this.#options,
      channel,
      publisher,
      standings: this.#standings,
      pause: this.#pause,
      actor: this.#actor,
    });
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
      work: this.#work,
    });
  }
}

/** One breaker for all that a channel does, where it has no more to say about its providers. */
function standingsOf(channel: DeliveryChannel | StoreChannel): Standings {
  const own = 'standings' in channel ? channel.standings : undefined;
  return own ?? new Standings([channel.provider]);
}
