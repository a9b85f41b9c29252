import { PublishError, publishChanges, publishDead, publishRetry, type Publisher } from '../broker/index.ts';
import type { Suppression } from '../contracts/index.ts';
import { untilDone } from '../runtime/backoff.ts';
import { Batcher } from '../runtime/batcher.ts';
import { toError } from '../runtime/errors.ts';
import type { Logger } from '../runtime/logger.ts';
import { markUnpublished, recordResults, type Notifications, type Suppressions } from '../store/index.ts';
import type { SuppressAfter } from '../verdicts/index.ts';
import type { Decision } from './decide.ts';
import type { Claimed } from './claimed.ts';

/** A delivery whose result is known. */
export interface Finished {
  claimed: Claimed;
  decision: Decision;
}

/** Results written at once. */
const MAX_BULK = 500;
/** Under load, results of so many milliseconds share a write. */
const APART_MS = 16;

/**
 * A result that is known must be written before the lease sweep takes its record for lost, so little time is spent not trying. The driver
 * itself waits for a primary within each try. Milliseconds.
 */
const AGAIN_AFTER_MS = 100;

/**
 * Writes results in bulk, then publishes where each message goes next. In this order: the store knows the plan before the copy exists, so
 * a lost copy is found by a sweep, and a doubled one is refused by the claim.
 */
export class Recorder {
  readonly #notifications: Notifications;
  readonly #suppressions: Pick<Suppressions, 'add'>;
  readonly #publisher: Publisher;
  readonly #retentionDays: number;
  readonly #log: Logger;
  readonly #batcher = new Batcher<Finished, undefined>({
    maxItems: MAX_BULK,
    apartMs: APART_MS,
    run: (bulk) => this.#run(bulk),
  });

  /** Apart: while an address cannot be suppressed, nothing else waits for its result. */
  readonly #refusedForGood = new Batcher<Finished, undefined>({
    maxItems: MAX_BULK,
    run: (bulk) => this.#suppressAndRun(bulk),
  });

  constructor(options: {
    notifications: Notifications;
    suppressions: Pick<Suppressions, 'add'>;
    publisher: Publisher;
    retentionDays: number;
    log: Logger;
  }) {
    this.#notifications = options.notifications;
    this.#suppressions = options.suppressions;
    this.#publisher = options.publisher;
    this.#retentionDays = options.retentionDays;
    this.#log = options.log;
  }

  /** Resolves when the result is recorded and its next hop published, so that the message can be acknowledged. */
  async finish(finished: Finished): Promise<void> {
    const { suppression } = finished.decision;
    await (suppression ? this.#refusedForGood : this.#batcher).add(finished);
  }

  /** In this order, as with what is reported later: a record that says so must not be alone with it. */
  async #suppressAndRun(bulk: Finished[]): Promise<undefined[]> {
    await this.#patiently('addresses cannot be suppressed', bulk, () =>
      Promise.all(suppressionsOf(bulk).map(([one, after]) => this.#suppressions.add(one, after))),
    );
    return this.#run(bulk);
  }

  async #run(bulk: Finished[]): Promise<undefined[]> {
    const results = bulk.map(({ decision }) => decision.result);
    const recorded = await this.#patiently('results cannot be recorded', bulk, () =>
      recordResults(this.#notifications, results, this.#retentionDays),
    );
    const ours = bulk.filter(({ decision }) => recorded.has(decision.result.id));
    const hops = await Promise.all(ours.map((finished) => this.#hop(finished)));
    await this.#noteLost(ours.filter((_, index) => !hops[index]));
    publishChanges(this.#publisher, ours.map(changeOf));
    this.#logAll(bulk, recorded);
    return bulk.map(() => undefined);
  }

  /** A known result must not be forgotten because MongoDB is away for a while: the same write is repeated until it is answered. */
  #patiently<T>(trouble: string, bulk: readonly Finished[], work: () => Promise<T>): Promise<T> {
    const onFailure = (thrown: unknown, failures: number): void => {
      const error = toError(thrown);
      if (failures === 0) this.#log.warn(`${trouble}; trying on`, { results: bulk.length, error });
    };
    return untilDone(work, { onFailure, pauseMs: AGAIN_AFTER_MS });
  }

  /** Answers whether RabbitMQ confirmed the next hop. */
  async #hop({ claimed: { record }, decision: { hop } }: Finished): Promise<boolean> {
    try {
      if (hop.to === 'retry') await publishRetry(this.#publisher, record, hop.delayMs);
      if (hop.to === 'dead') await publishDead(this.#publisher, record, hop.code);
      return true;
    } catch (thrown) {
      if (!(thrown instanceof PublishError)) throw thrown;
      // The record says when it is due, or that it is dead: the sweep or the keeper publishes it.
      this.#log.warn('the next hop was not published; a sweep will', { id: record._id, error: thrown });
      return false;
    }
  }

  /** So that the sweep need not wait until their messages are overdue. Without the note, it does. */
  async #noteLost(lost: readonly Finished[]): Promise<void> {
    if (lost.length === 0) return;
    const ids = lost.map(({ decision }) => decision.result.id);
    await markUnpublished(this.#notifications, ids).catch((thrown: unknown) => {
      this.#log.warn('lost hops could not be noted', { error: toError(thrown) });
    });
  }

  #logAll(bulk: Finished[], recorded: Set<string>): void {
    for (const { decision } of bulk) {
      const { id, status, change, set } = decision.result;
      // The quarantine has logged it.
      if (this.#notifications.quarantine.has(id)) continue;
      if (!recorded.has(id))
        this.#log.warn('late result: the claim was overtaken', { id, status, ...change });
      else if (status === 'sent')
        this.#log.debug('sent', { id, attempt: change.attempt, provider: set?.provider });
      else this.#log.warn(status, { id, attempt: change.attempt, code: change.code, reason: change.reason });
    }
  }
}

/** Whoever took a claim over finds out anew. */
function suppressionsOf(bulk: readonly Finished[]): (readonly [Suppression, SuppressAfter | undefined])[] {
  return bulk.flatMap(({ claimed, decision: { suppression, suppressAfter } }) =>
    claimed.isLost || !suppression ? [] : [[suppression, suppressAfter] as const],
  );
}

function changeOf({ claimed: { record }, decision }: Finished): {
  id: string;
  status: Decision['result']['status'];
} {
  return { id: record._id, status: decision.result.status };
}
