import type { Collection, Db } from 'mongodb';
import { newId } from '../runtime/ids.ts';
import { bounded } from './bounded.ts';

/** A lease on a job that only one scheduler may run at a time. */
interface LockDocument {
  _id: string;
  holder: string;
  until: Date;
}

/** The lease is no longer known to be ours: somebody else may be doing the same work. */
export class LockLost extends Error {
  override readonly name = 'LockLost';
}

/** A lock while work goes on under it. */
export interface HeldLock {
  /** Call it before each step that must not happen twice at once. @throws LockLost once somebody else may hold the lock. */
  check(): void;
}

/** How a lock is held. */
export interface HoldOptions {
  /** Length of the lease in milliseconds. It is renewed three times in that time, so work may take longer than it. */
  leaseMs: number;
  /** How long nobody may take the lock after work that took so long, both in milliseconds. Without it, the lock is free at once. */
  restMs?: (tookMs: number) => number;
}

/** Renewals during one lease. */
const RENEWALS = 3;
/** The share of a lease that must be left for a step to begin: the step itself takes time. */
const MARGIN = 1 / 4;

/** Leases by name, on the database's clock. */
export class Locks {
  readonly #collection: Collection<LockDocument>;

  constructor(db: Db) {
    this.#collection = bounded(db.collection<LockDocument>('locks'));
  }

  /**
   * Runs work while holding a lock, and renews the lease for as long as the work takes. Answers undefined without running it while
   * somebody else holds the lock.
   */
  async hold<T>(
    name: string,
    { leaseMs, restMs }: HoldOptions,
    work: (lock: HeldLock) => Promise<T>,
  ): Promise<T | undefined> {
    // A holder is one run, not one process: a lock that rests is closed to its last holder as well.
    const holder = newId();
    const startedAt = performance.now();
    if (!(await this.take(name, holder, leaseMs))) return undefined;
    const renewal = new Renewal({
      name,
      leaseMs,
      startedAt,
      renew: () => this.#prolong(name, holder, leaseMs),
    });
    try {
      return await work(renewal);
    } finally {
      await renewal.stop();
      const rest = restMs?.(performance.now() - startedAt);
      await this.#end(name, holder, rest).catch(() => undefined);
    }
  }

  /** Takes or prolongs a lease; false while somebody else holds it. */
  async take(name: string, holder: string, ms: number): Promise<boolean> {
    // An upsert may not ask for the database's clock, so the document comes first, held by nobody.
    await this.#collection.updateOne(
      { _id: name },
      { $setOnInsert: { holder: '', until: new Date(0) } },
      { upsert: true },
    );
    const free = { $or: [{ holder }, { $expr: { $lt: ['$until', '$$NOW'] } }] };
    const result = await this.#collection.updateOne({ _id: name, ...free }, untilIn(ms, holder));
    return result.matchedCount > 0;
  }

  /** Gives the lease back. */
  async release(name: string, holder: string): Promise<void> {
    await this.#collection.deleteOne({ _id: name, holder });
  }

  /** Makes a lease longer that nobody else took since; false when somebody did. */
  async #prolong(name: string, holder: string, ms: number): Promise<boolean> {
    return (await this.#collection.updateOne({ _id: name, holder }, untilIn(ms, holder))).matchedCount > 0;
  }

  /** A lease that cannot be given back runs out by itself. */
  async #end(name: string, holder: string, restMs: number | undefined): Promise<void> {
    if (restMs === undefined) await this.release(name, holder);
    else await this.#prolong(name, holder, restMs);
  }
}

function untilIn(ms: number, holder: string): object[] {
  return [{ $set: { holder, until: { $add: ['$$NOW', ms] } } }];
}

interface RenewalOptions {
  name: string;
  leaseMs: number;
  /** When the lease was asked for, by `performance.now()`. */
  startedAt: number;
  /** Answers whether the lease is still ours. */
  renew: () => Promise<boolean>;
}

/** Renews a lease in the background. What it knows is behind the database's clock, never ahead: a call counts from when it was made. */
class Renewal implements HeldLock {
  readonly #options: RenewalOptions;
  readonly #timer: NodeJS.Timeout;
  #validUntil: number;
  #isLost = false;
  #renewing: Promise<void> | undefined;

  constructor(options: RenewalOptions) {
    this.#options = options;
    this.#validUntil = options.startedAt + options.leaseMs;
    this.#timer = setInterval(() => {
      this.#renewing ??= this.#renew().finally(() => (this.#renewing = undefined));
    }, options.leaseMs / RENEWALS);
  }

  check(): void {
    const { name, leaseMs } = this.#options;
    if (performance.now() > this.#validUntil - leaseMs * MARGIN) this.#isLost = true;
    if (this.#isLost) throw new LockLost(`the lock ${name} may be somebody else's`);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#renewing;
  }

  async #renew(): Promise<void> {
    const calledAt = performance.now();
    try {
      if (await this.#options.renew()) this.#validUntil = calledAt + this.#options.leaseMs;
      else this.#isLost = true;
    } catch {
      // The store is away: the lease runs out unless a later renewal comes through in time.
    }
  }
}
