import { publishChanges, type Broker, type Delivery } from '../broker/index.ts';
import type { Channel, Lane, Status } from '../contracts/index.ts';
import { untilDone } from '../runtime/backoff.ts';
import { SECOND } from '../runtime/duration.ts';
import { toError } from '../runtime/errors.ts';
import type { CheckResult } from '../runtime/health.ts';
import type { Logger } from '../runtime/logger.ts';
import { Spacing } from '../runtime/spacing.ts';
import {
  claimNotifications,
  newClaimToken,
  sendAtOnce,
  type AtOnce,
  type ClaimOptions,
  type Notifications,
} from '../store/index.ts';
import type { BreakerState } from './breaker.ts';
import { Claimed } from './claimed.ts';
import { Intake } from './intake.ts';
import type { LaneSlots } from './lane-slots.ts';

/** A queue that holds messages while nothing arrives for so long is not being consumed; what is in flight has its own time on top. Milliseconds. */
const STALLED_AFTER_MS = 30 * SECOND;

/**
 * After MongoDB was away, leases that ran out are left alone for so long, in milliseconds: who holds them may know a result, and records it
 * first. The lease sweep brings back what really was abandoned.
 */
const SETTLE_MS = 5 * SECOND;

/** Under load, messages of so many milliseconds share a claim. */
const CLAIMS_APART_MS = 8;

/** Delivers a claimed notification and records it; never throws. */
type Handle = (claimed: Claimed) => Promise<void>;

/** How a lane's notifications get out: by a claim and then one by one, or all in the write that claims them. */
export type LaneWork = { handle: Handle } | { atOnce: AtOnce };

/** What a lane's worker works with. */
export interface LaneWorkerOptions {
  channel: Channel;
  lane: Lane;
  broker: Broker;
  notifications: Notifications;
  slots: LaneSlots;
  leaseMs: number;
  /** What one attempt may take, in milliseconds. */
  attemptMs: number;
  actor: string;
  log: Logger;
  work: LaneWork;
}

/** Messages that were taken out of the intake for one claim, by their notification. */
type Taken = ReturnType<Intake['take']>;

/** Takes the messages of one lane, claims as many as there are free slots, and has them delivered. */
export class LaneWorker {
  readonly #options: LaneWorkerOptions;
  readonly #intake: Intake;
  readonly #spacing = new Spacing(CLAIMS_APART_MS);
  readonly #stopping = new AbortController();
  #working = false;
  #storeBackAt = 0;

  constructor(options: LaneWorkerOptions) {
    const { channel, lane, broker, slots, log } = options;
    this.#options = options;
    this.#intake = new Intake({
      channel,
      lane,
      broker,
      // Twice as many as can be under way, so that the next ones are in hand when those are done.
      prefetch: 2 * slots.limit(lane),
      log,
      onMessage: () => {
        if (!this.#working) void this.#work();
      },
    });
  }

  /** Begins to consume. */
  start(): void {
    this.#intake.start();
  }

  /** Takes no more messages, and leaves alone those that are not claimed yet. */
  async drain(): Promise<void> {
    this.#stopping.abort();
    await this.#intake.drain();
  }

  /** Closes the channel; after the last acknowledgement. */
  stop(): Promise<void> {
    return this.#intake.stop();
  }

  /** While the provider is down nothing is consumed. */
  async providerIs(state: BreakerState): Promise<void> {
    if (state === 'open') await this.#intake.shut('provider');
    else await this.#intake.reopen('provider');
  }

  /** Whether this lane makes progress: subscribed, and the queue is empty or something moves. */
  async check(): Promise<CheckResult> {
    const { shutReasons, isSubscribed, queue, lastDeliveryAt } = this.#intake;
    if (shutReasons.includes('store'))
      return { ok: false, detail: 'consuming is paused: MongoDB cannot be reached' };
    // A check of its own says so.
    if (shutReasons.includes('provider')) return { ok: true, detail: 'paused: the provider is down' };
    if (!isSubscribed) return { ok: false, detail: `${queue} is not consumed` };
    const { slots, attemptMs } = this.#options;
    const idleMs = Date.now() - Math.max(lastDeliveryAt, slots.lastReleasedAt);
    if (idleMs < STALLED_AFTER_MS + (slots.taken > 0 ? attemptMs : 0)) return { ok: true };
    if (slots.taken > 0)
      return { ok: false, detail: `${slots.taken} deliveries, and none came to its end for ${idleMs} ms` };
    const depth = await this.#options.broker.depth(queue);
    if (depth === undefined || depth === 0) return { ok: true };
    return { ok: false, detail: `${queue} holds ${depth} messages, and none came for ${idleMs} ms` };
  }

  async #work(): Promise<void> {
    this.#working = true;
    // One turn of the event loop, so that messages of the same read of the socket share a claim.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#intake.size > 0 && !this.#stopping.signal.aborted) {
      await this.#spacing.turn(this.#intake.size, this.#stopping.signal);
      await this.#claimSome();
    }
    this.#working = false;
  }

  async #claimSome(): Promise<void> {
    const { slots, lane, work } = this.#options;
    const granted = await slots.take(lane, this.#intake.size, this.#stopping.signal);
    const taken = this.#intake.take(granted);
    slots.giveBack(lane, granted - taken.size);
    if (taken.size === 0) return;
    this.#spacing.started(taken.size);
    // What was claimed leaves `taken`, so that what the claim refused remains there.
    if ('atOnce' in work) await this.#sendAtOnce(taken, work.atOnce);
    else await this.#claimAndBegin(taken, work.handle);
    slots.giveBack(lane, taken.size);
    if (taken.size > 0) await this.#settleRefused(taken);
  }

  async #sendAtOnce(taken: Taken, atOnce: AtOnce): Promise<void> {
    const ids = [...taken.keys()];
    const sent = await this.#patiently((options) =>
      sendAtOnce(this.#options.notifications, ids, { ...options, ...atOnce }),
    );
    const done = [...taken.values()].filter(({ message }) => sent?.has(message.id));
    this.#announce(done.map(({ message: { id, user_id } }) => ({ id, user_id, status: 'sent' })));
    for (const { message, deliveries } of done) {
      taken.delete(message.id);
      this.#end(deliveries);
    }
  }

  async #claimAndBegin(taken: Taken, handle: Handle): Promise<void> {
    const ids = [...taken.keys()];
    const claim = await this.#patiently(async (options) => ({
      claimedAt: Date.now(),
      token: options.token,
      records: await claimNotifications(this.#options.notifications, ids, options),
    }));
    if (!claim) return;
    const { records, token, claimedAt } = claim;
    this.#announce(records.map(({ _id: id, user_id, status }) => ({ id, user_id, status })));
    // Innocents first: a suspect waits until they are done.
    records.sort((a, b) => a.interrupted - b.interrupted);
    for (const record of records) {
      const held = taken.get(record._id);
      taken.delete(record._id);
      void handle(new Claimed(record, token, claimedAt)).then(() => {
        this.#end(held?.deliveries ?? []);
      });
    }
  }

  /** Acknowledges what is done, and gives its slot back. */
  #end(deliveries: readonly Delivery[]): void {
    for (const delivery of deliveries) delivery.ack();
    this.#options.slots.release(this.#options.lane);
  }

  /** While MongoDB is away nothing is consumed and nothing is given back: each give-back would count towards the delivery limit. */
  async #patiently<T>(
    claim: (options: ClaimOptions & { again: boolean }) => Promise<T>,
  ): Promise<T | undefined> {
    const { actor, leaseMs } = this.#options;
    const token = newClaimToken();
    return untilDone(
      async (failures) => {
        const again = failures > 0;
        const takeOver = !again && Date.now() - this.#storeBackAt > SETTLE_MS;
        const claimed = await claim({ token, actor, leaseMs, again, takeOver });
        await this.#storeIsBack();
        return claimed;
      },
      { signal: this.#stopping.signal, onFailure: (thrown) => this.#storeIsAway(toError(thrown)) },
    );
  }

  get #storeAway(): boolean {
    return this.#intake.shutReasons.includes('store');
  }

  async #storeIsAway(error: Error): Promise<void> {
    if (this.#storeAway) return;
    const { log } = this.#options;
    log.warn('MongoDB cannot be reached; consuming is paused', { queue: this.#intake.queue, error });
    await this.#intake.shut('store');
  }

  async #storeIsBack(): Promise<void> {
    if (!this.#storeAway) return;
    this.#storeBackAt = Date.now();
    this.#options.log.info('MongoDB answers again; consuming', { queue: this.#intake.queue });
    await this.#intake.reopen('store');
  }

  #announce(changes: Parameters<typeof publishChanges>[1]): void {
    publishChanges(this.#options.broker.publisher, changes);
  }

  /**
   * What the claim refused is canceled or finished, not yet due, or under a live lease: the message is done with, for the record's own due
   * time or the lease sweep brings it back. Only a message without a record needs a person.
   */
  async #settleRefused(refused: Taken): Promise<void> {
    const status = await this.#statusOf([...refused.keys()]);
    if (!status) return;
    for (const [id, { deliveries }] of refused) {
      const found = status.get(id);
      this.#options.log.debug('nothing to do for a message', { id, status: found ?? 'no such record' });
      for (const delivery of deliveries)
        if (found) delivery.ack();
        else void this.#intake.park(delivery, `there is no notification ${id}`);
    }
  }

  /** As patient as the claim: a message that nobody acknowledges takes up room for good. Undefined when the lane stops. */
  #statusOf(ids: string[]): Promise<Map<string, Status> | undefined> {
    const { notifications } = this.#options;
    const projection = { status: 1 } as const;
    const read = async (): Promise<Map<string, Status>> => {
      const found = await notifications.find({ _id: { $in: ids } }, { projection }).toArray();
      return new Map(found.map((record) => [record._id, record.status]));
    };
    return untilDone(read, { signal: this.#stopping.signal });
  }
}
