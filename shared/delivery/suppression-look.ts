import { addressOf, type Notification } from '../contracts/index.ts';
import { Batcher } from '../runtime/batcher.ts';
import { withDeadline } from '../runtime/deadline.ts';
import { MINUTE, SECOND } from '../runtime/duration.ts';
import { toError } from '../runtime/errors.ts';
import type { CheckResult } from '../runtime/health.ts';
import type { Logger } from '../runtime/logger.ts';
import { suppressionIdOf, type Suppressions } from '../store/index.ts';
import { growingWaitMs } from './held-for.ts';
import type { Deferred, Suppressed } from './outcome.ts';

/** How long to wait for the store, in milliseconds; the lease is renewed meanwhile. */
const LOOK_WITHIN_MS = 5 * SECOND;
/** Put off for so long, in milliseconds, where nobody can tell: longer each time, and spread. */
const UNKNOWN_FOR_MS = { least: 5 * SECOND, most: MINUTE };
/** Addresses of one look at most. */
const MAX_BULK = 500;
/** Looks at once: a lane does not wait for the look of the other. */
const LOOKS = 2;

type Answer = 'open' | 'suppressed' | 'unknown';

/** Asks whether recipients are suppressed: what was claimed together is looked up once. */
export class SuppressionLook {
  readonly #suppressions: Pick<Suppressions, 'among'>;
  readonly #provider: string;
  readonly #log: Logger;
  readonly #batcher = new Batcher<string, Answer>({
    maxItems: MAX_BULK,
    concurrency: LOOKS,
    run: (ids) => this.#look(ids),
  });
  #failing = false;

  constructor(options: { suppressions: Pick<Suppressions, 'among'>; provider: string; log: Logger }) {
    this.#suppressions = options.suppressions;
    this.#provider = options.provider;
    this.#log = options.log;
  }

  /** Why this is not to be handed over; undefined where nothing is in its way. Never rejects. */
  async refusalOf(notification: Notification): Promise<Suppressed | Deferred | undefined> {
    const to = addressOf(notification);
    const answer = to && (await this.#batcher.add(suppressionIdOf(to.channel, to.address)));
    if (answer === 'suppressed') return suppressed(this.#provider);
    return answer === 'unknown' ? unknown(this.#provider, notification) : undefined;
  }

  /** Whether the store can tell. After a failure it is asked once more: what is put off comes back only later. */
  async check(): Promise<CheckResult> {
    if (this.#failing) await this.#look([]);
    return this.#failing
      ? { ok: false, detail: 'it is unknown who is suppressed, so nothing is handed over' }
      : { ok: true };
  }

  async #look(ids: string[]): Promise<Answer[]> {
    try {
      const late = (): Error => new Error('the store did not answer in time');
      const found = await withDeadline(this.#suppressions.among(ids), LOOK_WITHIN_MS, late);
      this.#failing = false;
      return ids.map((id) => (found.has(id) ? 'suppressed' : 'open'));
    } catch (thrown) {
      // Once per trouble.
      if (!this.#failing)
        this.#log.warn('it is unknown who is suppressed; nothing is handed over', { error: toError(thrown) });
      this.#failing = true;
      return ids.map(() => 'unknown');
    }
  }
}

function suppressed(provider: string): Suppressed {
  const reason = 'the address is suppressed; a person can lift that';
  return { kind: 'suppressed', provider, code: 'recipient_suppressed', reason, untried: true };
}

/** Whoever said stop must not get it because MongoDB is slow. */
function unknown(provider: string, notification: Notification): Deferred {
  const { least, most } = UNKNOWN_FOR_MS;
  const waitMs = Math.max(least, growingWaitMs(notification, most));
  const reason = 'the store that knows who is suppressed did not answer in time';
  return {
    kind: 'deferred',
    provider,
    code: 'suppressions_unknown',
    reason,
    afterMs: waitMs * (1 + Math.random() / 2),
    isOurs: true,
    untried: true,
  };
}
