import {
  publishChanges,
  publishParked,
  workQueue,
  type Broker,
  type Consumer,
  type Delivery,
} from '../broker/index.ts';
import { parseMessage, type Lane, type Notification } from '../contracts/index.ts';
import { pause, reconnectDelay } from '../runtime/backoff.ts';
import { toError } from '../runtime/errors.ts';
import type { CheckResult } from '../runtime/health.ts';
import type { Logger } from '../runtime/logger.ts';
import { claimNotifications, newClaimToken, type Notifications } from '../store/index.ts';
import type { DeliveryChannel } from './channel.ts';
import { laneLimit, type LaneSlots } from './lane-slots.ts';
import type { Claimed } from './leases.ts';

/** A queue that holds messages while nothing arrives and nothing is in flight for so long is not being consumed. Milliseconds. */
const STALLED_AFTER_MS = 30_000;

/** What a lane's worker works with. */
export interface LaneWorkerOptions {
  channel: DeliveryChannel;
  lane: Lane;
  broker: Broker;
  notifications: Notifications;
  slots: LaneSlots;
  concurrency: number;
  leaseMs: number;
  actor: string;
  log: Logger;
  /** Delivers a claimed notification and records it; never throws. */
  handle: (claimed: Claimed, claimedAt: number) => Promise<void>;
}

/** Takes the messages of one lane, claims as many as there are free slots, and has them delivered. */
export class LaneWorker {
  readonly #options: LaneWorkerOptions;
  readonly #consumer: Consumer;
  readonly #queue: string;
  /** Messages in hand by notification id; a doubled one waits with its twin. */
  readonly #waiting = new Map<string, Delivery[]>();
  #working = false;
  #storeAway = false;
  #stopped = false;

  constructor(options: LaneWorkerOptions) {
    this.#options = options;
    this.#queue = workQueue(options.channel.name, options.lane);
    this.#consumer = options.broker.consumer({
      queue: this.#queue,
      prefetch: laneLimit(options.lane, options.concurrency),
      onDelivery: (delivery) => {
        this.#receive(delivery);
      },
    });
  }

  /** Begins to consume. */
  start(): void {
    this.#consumer.start();
  }

  /** Takes no more messages, and leaves alone those that are not claimed yet. */
  async drain(): Promise<void> {
    this.#stopped = true;
    await this.#consumer.pause();
    this.#waiting.clear();
  }

  /** Closes the channel; after the last acknowledgement. */
  stop(): Promise<void> {
    return this.#consumer.stop();
  }

  /** Whether this lane makes progress: subscribed, and the queue is empty or something moves. */
  async check(): Promise<CheckResult> {
    if (this.#storeAway) return { ok: false, detail: 'consuming is paused: MongoDB cannot be reached' };
    if (this.#consumer.consumerTag === undefined)
      return { ok: false, detail: `${this.#queue} is not consumed` };
    const idleMs = Date.now() - this.#consumer.lastDeliveryAt;
    if (idleMs < STALLED_AFTER_MS || this.#options.slots.taken > 0) return { ok: true };
    const depth = await this.#options.broker.depth(this.#queue);
    if (depth === undefined || depth === 0) return { ok: true };
    return { ok: false, detail: `${this.#queue} holds ${depth} messages, and none came for ${idleMs} ms` };
  }

  #receive(delivery: Delivery): void {
    const parsed = parseMessage(delivery.body);
    const { channel } = this.#options;
    if (!parsed.ok) void this.#park(delivery, parsed.error);
    else if (parsed.message.channel !== channel.name)
      void this.#park(
        delivery,
        `a message of channel ${parsed.message.channel} in a queue of ${channel.name}`,
      );
    else {
      const twins = this.#waiting.get(parsed.message.id);
      if (twins) twins.push(delivery);
      else this.#waiting.set(parsed.message.id, [delivery]);
      if (!this.#working) void this.#work();
    }
  }

  async #work(): Promise<void> {
    this.#working = true;
    // One turn of the event loop, so that messages of the same read of the socket share a claim.
    await pause(0);
    while (this.#waiting.size > 0 && !this.#stopped) await this.#claimSome();
    this.#working = false;
  }

  async #claimSome(): Promise<void> {
    const { slots, lane } = this.#options;
    const granted = await slots.take(lane, this.#waiting.size);
    const taken = this.#takeWaiting(granted);
    slots.release(lane, granted - taken.size);
    if (taken.size === 0) return;
    const claimedAt = Date.now();
    const token = newClaimToken();
    const records = await this.#claimPatiently([...taken.keys()], token);
    this.#announce(records);
    for (const record of records)
      this.#begin({ record, token, lost: new AbortController() }, taken, claimedAt);
    const refused = [...taken].filter(([id]) => !records.some((record) => record._id === id));
    slots.release(lane, refused.length);
    if (refused.length > 0) await this.#settleRefused(new Map(refused));
  }

  #takeWaiting(count: number): Map<string, Delivery[]> {
    const taken = new Map([...this.#waiting].slice(0, count));
    for (const id of taken.keys()) this.#waiting.delete(id);
    return taken;
  }

  #begin(claimed: Claimed, taken: Map<string, Delivery[]>, claimedAt: number): void {
    const { handle, slots, lane } = this.#options;
    void handle(claimed, claimedAt).then(() => {
      for (const delivery of taken.get(claimed.record._id) ?? []) delivery.ack();
      slots.release(lane);
    });
  }

  /** While MongoDB is away nothing is consumed and nothing is given back: each give-back would count towards the delivery limit. */
  async #claimPatiently(ids: string[], token: string): Promise<Notification[]> {
    const { notifications, actor, leaseMs, log } = this.#options;
    for (let tries = 0; ; tries += 1) {
      try {
        const records = await claimNotifications(notifications, ids, { token, actor, leaseMs });
        if (this.#storeAway) {
          this.#storeAway = false;
          log.info('MongoDB answers again; consuming', { queue: this.#queue });
          await this.#resume();
        }
        return records;
      } catch (thrown) {
        if (!this.#storeAway) {
          this.#storeAway = true;
          log.warn('MongoDB cannot be reached; consuming is paused', {
            queue: this.#queue,
            error: toError(thrown),
          });
          await this.#consumer.pause();
        }
        if (this.#stopped) return [];
        await pause(reconnectDelay(tries));
      }
    }
  }

  async #resume(): Promise<void> {
    if (!this.#stopped) await this.#consumer.resume();
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
    if (this.#storeAway) return;
    const { notifications, log } = this.#options;
    const found = await notifications
      .find({ _id: { $in: [...refused.keys()] } }, { projection: { status: 1 } })
      .toArray()
      .catch(() => undefined);
    // MongoDB went away between two calls: unacknowledged, they come back with the next connection.
    if (!found) return;
    const status = new Map(found.map((record) => [record._id, record.status]));
    for (const [id, deliveries] of refused) {
      log.debug('nothing to do for a message', { id, status: status.get(id) ?? 'no such record' });
      for (const delivery of deliveries)
        if (status.has(id)) delivery.ack();
        else void this.#park(delivery, `there is no notification ${id}`);
    }
  }

  async #park(delivery: Delivery, reason: string): Promise<void> {
    const { broker, log } = this.#options;
    log.warn('message parked', { queue: this.#queue, reason });
    try {
      await publishParked(broker.publisher, delivery.body, reason, this.#queue);
      delivery.ack();
    } catch {
      // Without a copy the broker's own dead lettering parks it, only without our reason.
      delivery.reject();
    }
  }
}
