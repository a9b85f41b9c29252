import { publishChanges, type Broker, type Delivery } from '../broker/index.ts';
import type { Channel, Lane, Notification, Status } from '../contracts/index.ts';
import { pause, reconnectDelay } from '../runtime/backoff.ts';
import { SECOND } from '../runtime/duration.ts';
import { toError } from '../runtime/errors.ts';
import type { CheckResult } from '../runtime/health.ts';
import type { Logger } from '../runtime/logger.ts';
import { claimNotifications, newClaimToken, type AtOnce, type Notifications } from '../store/index.ts';
import type { BreakerState } from './breaker.ts';
import { Intake } from './intake.ts';
import { laneLimit, type LaneSlots } from './lane-slots.ts';
import type { Claimed } from './leases.ts';

/** A queue that holds messages while nothing arrives for so long is not being consumed; what is in flight has its own time on top. Milliseconds. */
const STALLED_AFTER_MS = 30 * SECOND;

/**
 * After MongoDB was away, leases that ran out are left alone for so long, in milliseconds: who holds them may know a result, and records it
 * first. The lease sweep brings back what really was abandoned.
 */
const SETTLE_MS = 5 * SECOND;

/** What a lane's worker works with. */
export interface LaneWorkerOptions {
  channel: Channel;
  lane: Lane;
  broker: Broker;
  notifications: Notifications;
  slots: LaneSlots;
  concurrency: number;
  leaseMs: number;
  /** What one attempt may take, in milliseconds. */
  attemptMs: number;
  actor: string;
  log: Logger;
  /** Delivers a claimed notification and records it; never throws. */
  handle?: (claimed: Claimed, claimedAt: number) => Promise<void>;
  /** Instead: the claim itself delivers and records. */
  atOnce?: AtOnce;
}

/** What one claim brought. */
interface ClaimResult {
  records: Notification[];
  token: string;
  /** Our clock before the write that made the claim. */
  claimedAt: number;
}

/** Takes the messages of one lane, claims as many as there are free slots, and has them delivered. */
export class LaneWorker {
  readonly #options: LaneWorkerOptions;
  readonly #intake: Intake;
  readonly #stopping = new AbortController();
  #working = false;
  #storeBackAt = 0;

  constructor(options: LaneWorkerOptions) {
    const { channel, lane, broker, concurrency, log } = options;
    this.#options = options;
    this.#intake = new Intake({
      channel,
      lane,
      broker,
      // Twice as many as can be under way, so that the next ones are in hand when those are done.
      prefetch: 2 * laneLimit(lane, concurrency),
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
    await pause(0);
    while (this.#intake.size > 0 && !this.#stopping.signal.aborted) await this.#claimSome();
    this.#working = false;
  }

  async #claimSome(): Promise<void> {
    const { slots, lane } = this.#options;
    const granted = await slots.take(lane, this.#intake.size, this.#stopping.signal);
    const taken = this.#intake.take(granted);
    slots.giveBack(lane, granted - taken.size);
    if (taken.size === 0) return;
    const claim = await this.#claimPatiently([...taken.keys()]);
    this.#announce(claim.records);
    // Innocents first: a suspect waits until they are done.
    claim.records.sort((a, b) => a.interrupted - b.interrupted);
    for (const record of claim.records) this.#begin(record, claim, taken);
    slots.giveBack(lane, taken.size);
    if (taken.size > 0) await this.#settleRefused(taken);
  }

  /** Delivers one; what begins leaves `taken`, so that what the claim refused remains there. */
  #begin(record: Notification, { token, claimedAt }: ClaimResult, taken: Map<string, Delivery[]>): void {
    const { handle, slots, lane } = this.#options;
    const deliveries = taken.get(record._id) ?? [];
    taken.delete(record._id);
    const done = handle?.({ record, token, lost: new AbortController() }, claimedAt) ?? Promise.resolve();
    void done.then(() => {
      for (const delivery of deliveries) delivery.ack();
      slots.release(lane);
    });
  }

  /** While MongoDB is away nothing is consumed and nothing is given back: each give-back would count towards the delivery limit. */
  async #claimPatiently(ids: string[]): Promise<ClaimResult> {
    const token = newClaimToken();
    for (let tries = 0; ; tries += 1) {
      const claimedAt = Date.now();
      try {
        const records = await this.#claim(ids, token, tries > 0);
        await this.#storeIsBack();
        return { records, token, claimedAt };
      } catch (thrown) {
        await this.#storeIsAway(toError(thrown));
        if (this.#stopping.signal.aborted) return { records: [], token, claimedAt };
        await pause(reconnectDelay(tries), this.#stopping.signal);
      }
    }
  }

  #claim(ids: string[], token: string, again: boolean): Promise<Notification[]> {
    const { notifications, actor, leaseMs, atOnce } = this.#options;
    const takeOver = !again && Date.now() - this.#storeBackAt > SETTLE_MS;
    return claimNotifications(notifications, ids, { token, actor, leaseMs, atOnce, again, takeOver });
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

  #announce(records: Notification[]): void {
    const changes = records.map(({ _id, user_id, status }) => ({ id: _id, user_id, status }));
    publishChanges(this.#options.broker.publisher, changes);
  }

  /**
   * What the claim refused is canceled or finished, not yet due, or under a live lease: the message is done with, for the record's own due
   * time or the lease sweep brings it back. Only a message without a record needs a person.
   */
  async #settleRefused(refused: Map<string, Delivery[]>): Promise<void> {
    const { log } = this.#options;
    const status = await this.#statusOf([...refused.keys()]);
    if (!status) return;
    for (const [id, deliveries] of refused) {
      log.debug('nothing to do for a message', { id, status: status.get(id) ?? 'no such record' });
      for (const delivery of deliveries)
        if (status.has(id)) delivery.ack();
        else void this.#intake.park(delivery, `there is no notification ${id}`);
    }
  }

  /** As patient as the claim: a message that nobody acknowledges takes up room for good. Undefined when the lane stops. */
  async #statusOf(ids: string[]): Promise<Map<string, Status> | undefined> {
    const { notifications } = this.#options;
    for (let tries = 0; !this.#stopping.signal.aborted; tries += 1) {
      try {
        const found = await notifications
          .find({ _id: { $in: ids } }, { projection: { status: 1 } })
          .toArray();
        return new Map(found.map((record) => [record._id, record.status]));
      } catch {
        await pause(reconnectDelay(tries), this.#stopping.signal);
      }
    }
    return undefined;
  }
}
