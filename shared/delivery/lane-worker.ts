import { publishChanges, type Broker, type Delivery } from '../broker/index.ts';
import { CHANNELS, type Channel, type Lane } from '../contracts/index.ts';
import { SECOND } from '../runtime/duration.ts';
import type { CheckResult } from '../runtime/health.ts';
import type { Logger } from '../runtime/logger.ts';
import { Spacing } from '../runtime/spacing.ts';
import { claimNotifications, sendAtOnce, type AtOnce, type Notifications } from '../store/index.ts';
import { Claimed } from './claimed.ts';
import { Intake, type ShutReason, type Taken } from './intake.ts';
import type { LaneSlots } from './lane-slots.ts';
import { PatientClaims } from './patient-claims.ts';
import { settleRefused } from './settle-refused.ts';

/** A queue that holds messages while nothing arrives for so long is not being consumed; what is in flight has its own time on top. Milliseconds. */
const STALLED_AFTER_MS = 30 * SECOND;

/** Under load, messages of so many milliseconds share a claim. */
const CLAIMS_APART_MS = 8;

/** Delivers claimed notifications one by one and records them. */
interface Handler {
  /** Resolves when all that one claim brought has begun; `onEnd` hears of each that has come to its end. Never throws. */
  begin(claimed: readonly Claimed[], onEnd: (claimed: Claimed) => void): Promise<void>;
}

/** How a lane's notifications get out: by a claim and then one by one, or all in the write that claims them. */
export type LaneWork = Handler | { atOnce: AtOnce };

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

/** Takes the messages of one lane, claims as many as there are free slots, and has them delivered. */
export class LaneWorker {
  readonly #options: LaneWorkerOptions;
  readonly #intake: Intake;
  readonly #spacing = new Spacing(CLAIMS_APART_MS);
  readonly #stopping = new AbortController();
  readonly #claims: PatientClaims;
  #working = false;

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
    this.#claims = new PatientClaims({ ...options, intake: this.#intake, signal: this.#stopping.signal });
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

  /** Consumes nothing while there is this reason. */
  async shutWhile(reason: ShutReason, isSo: boolean): Promise<void> {
    if (isSo) await this.#intake.shut(reason);
    else await this.#intake.reopen(reason);
  }

  /** Whether this lane makes progress: subscribed, and the queue is empty or something moves. */
  async check(): Promise<CheckResult> {
    const { shutReasons, isSubscribed, queue, lastDeliveryAt } = this.#intake;
    if (shutReasons.includes('store'))
      return { ok: false, detail: 'consuming is paused: MongoDB cannot be reached' };
    if (shutReasons.includes('paused'))
      return { ok: true, detail: 'paused by an operator, or not yet known whether it is' };
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
    try {
      while (this.#intake.size > 0 && !this.#stopping.signal.aborted) {
        await this.#spacing.turn(this.#intake.size, this.#stopping.signal);
        await this.#claimSome();
      }
    } finally {
      // Whatever happens, the next message starts the work again.
      this.#working = false;
    }
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
    else await this.#claimAndBegin(taken, work);
    slots.giveBack(lane, taken.size);
    if (taken.size > 0) await this.#settle(taken);
  }

  async #sendAtOnce(taken: Taken, atOnce: AtOnce): Promise<void> {
    const ids = [...taken.keys()];
    const sent = await this.#claims.claim((options) =>
      sendAtOnce(this.#options.notifications, ids, { ...options, ...atOnce }),
    );
    const done = [...taken.values()].filter(({ message }) => sent?.has(message.id));
    this.#announce(done.map(({ message: { id } }) => ({ id, status: 'sent' })));
    for (const { message, deliveries } of done) {
      taken.delete(message.id);
      this.#end(deliveries);
    }
  }

  async #claimAndBegin(taken: Taken, handler: Handler): Promise<void> {
    const ids = [...taken.keys()];
    const isOwnStore = CHANNELS[this.#options.channel].inbox;
    const claim = await this.#claims.claim(async (options) => ({
      claimedAt: performance.now(),
      token: options.token,
      records: await claimNotifications(this.#options.notifications, ids, { ...options, isOwnStore }),
    }));
    if (!claim) return;
    const { records, token, claimedAt } = claim;
    this.#announce(records.map(({ _id: id, status }) => ({ id, status })));
    // Innocents first: a suspect waits until they are done.
    records.sort((a, b) => a.interrupted - b.interrupted);
    const claimed = records.map((record) => new Claimed(record, token, claimedAt));
    const held = new Map(taken);
    for (const { _id } of records) taken.delete(_id);
    await handler.begin(claimed, ({ record }) => {
      this.#end(held.get(record._id)?.deliveries ?? []);
    });
  }

  /** Acknowledges what is done, and gives its slot back. */
  #end(deliveries: readonly Delivery[]): void {
    for (const delivery of deliveries) delivery.ack();
    this.#options.slots.release(this.#options.lane);
  }

  #settle(refused: Taken): Promise<void> {
    const { notifications, log } = this.#options;
    return settleRefused(refused, {
      notifications,
      intake: this.#intake,
      log,
      signal: this.#stopping.signal,
    });
  }

  #announce(changes: Parameters<typeof publishChanges>[1]): void {
    publishChanges(this.#options.broker.publisher, changes);
  }
}
