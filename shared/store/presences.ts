import { hostname } from 'node:os';
import type { Collection, Db } from 'mongodb';
import type { Presence, ProviderStanding } from '../contracts/index.ts';
import { pause } from '../runtime/backoff.ts';
import { SECOND } from '../runtime/duration.ts';
import { toError } from '../runtime/errors.ts';
import { readiness, type Check } from '../runtime/health.ts';
import { newId } from '../runtime/ids.ts';
import type { Logger } from '../runtime/logger.ts';
import { bounded } from './bounded.ts';
import { literals } from './literals.ts';

/** What a consumer said of itself while a channel had one provider. */
type DeliveryOfOne = Pick<NonNullable<Presence['delivery']>, 'channel' | 'is_paused' | 'in_flight'> &
  Pick<ProviderStanding, 'breaker' | 'fault_ratio'> & { provider: string };

/** How often a process says that it is there, in milliseconds. */
const BEAT_EVERY_MS = 3 * SECOND;
/** One that has said nothing for so long is not counted any more, in milliseconds: three beats, and a slow check. */
const GONE_AFTER_MS = 15 * SECOND;

/** How long a process that stops tries to say so, in milliseconds. */
const LEAVE_WITHIN_MS = SECOND;

/** The processes that run. Kept in the store, for it is what all of them reach, on whatever machine they are. */
export class Presences {
  readonly #presences: Collection<Presence>;

  constructor(db: Db) {
    // Worth no wait for the journal: it is said again in three seconds.
    this.#presences = bounded(db.collection<Presence>('presences', { writeConcern: { w: 1 } }));
  }

  /** All that have said so lately, by service and start. */
  async running(): Promise<Presence[]> {
    const isHeard = { $gt: ['$beat_at', { $subtract: ['$$NOW', GONE_AFTER_MS] }] };
    const running = await this.#presences
      .find({ $expr: isHeard })
      .sort({ service: 1, started_at: 1 })
      .toArray();
    return running.map(asToday);
  }

  /** Says that a process is there. */
  async beat({ _id, ...presence }: Omit<Presence, 'beat_at'>): Promise<void> {
    // By the store's clock, as the readers ask for it: hosts differ.
    const beat = [
      { $replaceWith: { $mergeObjects: [{ _id, ...literals(presence) }, { beat_at: '$$NOW' }] } },
    ];
    await this.#presences.updateOne({ _id }, beat, { upsert: true });
  }

  /** Says that it goes. */
  async leave(id: string): Promise<void> {
    await this.#presences.deleteOne({ _id: id });
  }
}

/** While a fleet is updated, consumers of the version before run beside us. */
function asToday(presence: Presence): Presence {
  const { delivery } = presence as { delivery?: Presence['delivery'] | DeliveryOfOne };
  if (!delivery || 'providers' in delivery) return presence;
  const { provider: name, breaker, fault_ratio, ...rest } = delivery;
  const { is_paused, in_flight } = rest;
  const last_hour = { sent: 0, failed: 0 };
  const only = { name, is_paused, in_flight, breaker, fault_ratio, sent: 0, last_hour };
  return { ...presence, delivery: { ...rest, providers: [only] } };
}

/** What a process says of itself. */
export interface Announced {
  service: string;
  checks: Readonly<Record<string, Check>>;
  /** Checks whose failure only degrades. */
  tolerated: readonly string[];
  delivery?: () => NonNullable<Presence['delivery']>;
}

/** Announces a process until it is stopped, which ends within a second. While the store is away, nothing is said; nobody could read it either. */
export function announce(
  presences: Presences,
  announced: Announced,
  log: Logger,
): { stop: () => Promise<void> } {
  const stopping = new AbortController();
  const id = newId();
  const started_at = new Date();
  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      try {
        await presences.beat({ _id: id, started_at, ...(await stateOf(announced)) });
      } catch (thrown) {
        log.debug('the store was not told that this process runs', { error: toError(thrown) });
      }
      await pause(BEAT_EVERY_MS, stopping.signal);
    }
  };
  const running = run();
  return {
    stop: async () => {
      stopping.abort();
      const left = running.then(() => presences.leave(id)).catch(() => undefined);
      // Whoever stops must not wait for a store that hangs: then it is forgotten in fifteen seconds.
      await Promise.race([left, pause(LEAVE_WITHIN_MS)]);
    },
  };
}

async function stateOf({
  service,
  checks,
  tolerated,
  delivery,
}: Announced): Promise<Omit<Presence, '_id' | 'started_at' | 'beat_at'>> {
  const { status, checks: results } = await readiness(checks, tolerated);
  const troubles = Object.entries(results).flatMap(([name, result]) =>
    result.ok ? [] : [`${name}: ${result.detail}`],
  );
  return {
    service,
    host: hostname(),
    pid: process.pid,
    status,
    troubles,
    ...(delivery && { delivery: delivery() }),
  };
}
