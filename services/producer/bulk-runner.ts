import type { AuditAct, BulkAct, DeadLetterFilter } from '../../shared/contracts/index.ts';
import { toError } from '../../shared/runtime/errors.ts';
import type { Logger } from '../../shared/runtime/logger.ts';
import {
  type Audit,
  type BulkActs,
  countDeadLetters,
  discardDeadLetters,
  redriveDeadLetters,
  type Notifications,
} from '../../shared/store/index.ts';
import type { Acceptor } from './accept/acceptor.ts';

/** What somebody orders to be done to many dead letters. */
export interface BulkOrder {
  id: string;
  kind: BulkAct['kind'];
  actor: string;
  reason: string;
  filter: DeadLetterFilter;
  /** Only of what this one has submitted; without it, of everybody's. */
  caller?: string | undefined;
  /** Redriven per second at most; all at once without. */
  rate?: number | undefined;
}

/** How the audit calls them. */
const AUDITED = {
  redrive: 'dead_letters_redriven',
  discard: 'dead_letters_discarded',
} as const satisfies Record<BulkAct['kind'], AuditAct>;

/** Redrives and discards many dead letters, step by step, with a record of each act. */
export class BulkRunner {
  readonly #acts: BulkActs;
  readonly #audit: Audit;
  readonly #notifications: Notifications;
  readonly #acceptor: Acceptor;
  readonly #retentionDays: number;
  readonly #log: Logger;
  readonly #running = new Set<Promise<unknown>>();
  #isStopping = false;

  constructor(options: {
    acts: BulkActs;
    audit: Audit;
    notifications: Notifications;
    acceptor: Acceptor;
    retentionDays: number;
    log: Logger;
  }) {
    this.#acts = options.acts;
    this.#audit = options.audit;
    this.#notifications = options.notifications;
    this.#acceptor = options.acceptor;
    this.#retentionDays = options.retentionDays;
    this.#log = options.log;
  }

  /** Begins it, and goes on without being waited for. Ordered twice under one id, it is done once. */
  async begin(order: BulkOrder): Promise<void> {
    const act = await this.#open(order);
    if (act) this.#carryOut(act, order).catch(() => undefined);
  }

  /** Does it to the end; answers how many matched, and how many were changed. @throws what ended it early. */
  async run(order: BulkOrder): Promise<{ matched: number; changed: number }> {
    const act = await this.#open(order);
    if (act) await this.#carryOut(act, order);
    const { matched = 0, changed = 0 } = (await this.#acts.get(order.id)) ?? {};
    return { matched, changed };
  }

  /** Those under way end after their next step, noted as interrupted. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    await Promise.allSettled(this.#running);
  }

  async #open({ id, kind, actor, reason, filter, caller, rate }: BulkOrder): Promise<BulkAct | undefined> {
    const matched = await countDeadLetters(this.#notifications, { ...filter, caller });
    const now = new Date();
    const bounds = { ...(caller !== undefined && { caller }), ...(rate !== undefined && { rate }) };
    const order = { _id: id, kind, actor, reason, filter, ...bounds };
    const act = { ...order, matched, changed: 0, started_at: now, beat_at: now };
    if (!(await this.#acts.begin(act))) return undefined;
    await this.#audit.note({
      actor,
      act: AUDITED[kind],
      subject: `dead_letters:${id}`,
      detail: `${matched} matched: ${reason}`,
    });
    return act;
  }

  #carryOut(act: BulkAct, order: BulkOrder): Promise<void> {
    const work = this.#steps(act, order).finally(() => {
      this.#running.delete(work);
    });
    this.#running.add(work);
    return work;
  }

  async #steps({ _id, matched }: BulkAct, order: BulkOrder): Promise<void> {
    let changed = 0;
    try {
      for await (const count of this.#changes(order)) {
        changed += count;
        const goesOn = await this.#acts.report(_id, changed);
        // All of them: then it is done, whoever wanted it to stop.
        if (changed >= matched) break;
        if (!goesOn || this.#isStopping) {
          await this.#acts.end(_id, goesOn ? 'interrupted' : 'aborted');
          return;
        }
      }
      await this.#acts.end(_id, 'done');
    } catch (thrown) {
      const error = toError(thrown);
      this.#log.error('an act on dead letters ended early', { id: _id, error });
      // Without the store this cannot be noted either; then it counts as interrupted.
      await this.#acts.end(_id, 'failed', error.message).catch(() => undefined);
      throw thrown;
    }
  }

  async *#changes({ id: act, kind, actor, reason, rate, ...order }: BulkOrder): AsyncGenerator<number> {
    const change = { actor, reason };
    const filter = { ...order.filter, caller: order.caller };
    if (kind === 'discard') {
      yield* discardDeadLetters(this.#notifications, filter, { change, retentionDays: this.#retentionDays });
      return;
    }
    for await (const { changed, due } of redriveDeadLetters(this.#notifications, filter, {
      change,
      act,
      rate,
    })) {
      this.#acceptor.publish(due);
      yield changed;
    }
  }
}
