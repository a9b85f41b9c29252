import { addressOf, type Notification } from '../contracts/index.ts';
import { withDeadline } from '../runtime/deadline.ts';
import { SECOND } from '../runtime/duration.ts';
import { toError } from '../runtime/errors.ts';
import type { CheckResult } from '../runtime/health.ts';
import type { Logger } from '../runtime/logger.ts';
import { suppressionIdOf, type Suppressions } from '../store/index.ts';
import type { Deferred, Suppressed } from './outcome.ts';
import { untilStoreAnswers } from './store-silent.ts';

/** How long to wait for the store, in milliseconds; leases are renewed meanwhile. */
const LOOK_WITHIN_MS = 5 * SECOND;

/** Asks whether recipients are suppressed: what was claimed together is looked up at once. */
export class SuppressionLook {
  readonly #suppressions: Pick<Suppressions, 'among'>;
  readonly #provider: string;
  readonly #log: Logger;
  #failing = false;

  constructor(options: { suppressions: Pick<Suppressions, 'among'>; provider: string; log: Logger }) {
    this.#suppressions = options.suppressions;
    this.#provider = options.provider;
    this.#log = options.log;
  }

  /** Why each is not to be handed over, in their order; undefined where nothing is in its way. Never rejects. */
  async refusalsOf(notifications: readonly Notification[]): Promise<(Suppressed | Deferred | undefined)[]> {
    const ids = notifications.map(idOf);
    const asked = ids.filter((id) => id !== undefined);
    const found = asked.length > 0 ? await this.#look(asked) : new Set<string>();
    return notifications.map((notification, index) => {
      const id = ids[index];
      if (id === undefined) return undefined;
      if (!found) return unknown(this.#provider, notification);
      return found.has(id) ? suppressed(this.#provider) : undefined;
    });
  }

  /** Whether the store can tell. After a failure it is asked once more: what is put off comes back only later. */
  async check(): Promise<CheckResult> {
    if (this.#failing) await this.#look([]);
    return this.#failing
      ? { ok: false, detail: 'it is unknown who is suppressed, so nothing is handed over' }
      : { ok: true };
  }

  /** Those that are suppressed; undefined where the store does not say. */
  async #look(ids: string[]): Promise<ReadonlySet<string> | undefined> {
    try {
      const late = (): Error => new Error('the store did not answer in time');
      const found = await withDeadline(this.#suppressions.among(ids), LOOK_WITHIN_MS, late);
      this.#failing = false;
      return found;
    } catch (thrown) {
      // Once per trouble.
      if (!this.#failing)
        this.#log.warn('it is unknown who is suppressed; nothing is handed over', { error: toError(thrown) });
      this.#failing = true;
      return undefined;
    }
  }
}

function idOf(notification: Notification): string | undefined {
  const to = addressOf(notification);
  return to && suppressionIdOf(to.channel, to.address);
}

function suppressed(provider: string): Suppressed {
  const reason = 'the address is suppressed; a person can lift that';
  return { kind: 'suppressed', provider, code: 'recipient_suppressed', reason, untried: true };
}

/** Whoever said stop must not get it because MongoDB is slow. */
function unknown(provider: string, notification: Notification): Deferred {
  const reason = 'the store that knows who is suppressed did not answer in time';
  return untilStoreAnswers(notification, { provider, code: 'suppressions_unknown', reason });
}
