import type { FieldError, Notification, NotificationRequest } from '../../../shared/contracts/index.ts';
import { sendRefusalOf, type Identity } from '../access/identity.ts';
import type { Acceptor } from './acceptor.ts';
import type { Admission } from './admission.ts';
import { ANSWER_WITHIN_MS } from './deadline.ts';
import { fingerprintOf } from './fingerprint.ts';
import { recordOf } from './record.ts';

/** Who hands a notification over, and how it may be repeated. */
export interface Handover {
  /** Idempotency keys belong to its actor. */
  identity: Pick<Identity, 'actor' | 'scopes'>;
  /** Repeated with the same key it is the same notification, and `body`, as it came before validation, must be the same too. */
  keyed?: { key: string | undefined; body: unknown };
  /** How long whoever hands over waits, in milliseconds. */
  withinMs?: number;
  /** Aborts when whoever hands over gives up; what is not stored by then is not stored. */
  signal?: AbortSignal;
}

/**
 * What became of a notification at the door. `forbidden`: its sender may not use this channel; `refused`: this fleet does not take it;
 * `conflict`: its key came with another body before.
 */
export type Received =
  | { outcome: 'stored' | 'replayed'; record: Notification }
  | { outcome: 'forbidden'; reason: string }
  | { outcome: 'refused'; errors: FieldError[] }
  | { outcome: 'conflict' };

/** The one way in: whatever door a valid notification comes by, it is taken here, on the same terms. */
export class Reception {
  readonly #acceptor: Acceptor;
  readonly #admission: Admission;

  constructor({ acceptor, admission }: { acceptor: Acceptor; admission: Admission }) {
    this.#acceptor = acceptor;
    this.#admission = admission;
  }

  /** Resolves when it is safe, or why it is not taken. @throws what `Acceptor.accept` throws. */
  async receive(
    request: NotificationRequest,
    { identity, keyed, withinMs = ANSWER_WITHIN_MS, signal }: Handover,
  ): Promise<Received> {
    const reason = sendRefusalOf(identity, request.type);
    if (reason !== undefined) return { outcome: 'forbidden', reason };
    const errors = this.#admission.errorsOf(request);
    if (errors.length > 0) return { outcome: 'refused', errors };
    const origin = { caller: identity.actor, ...repeatable(keyed) };
    return this.#acceptor.accept(recordOf(request, origin, new Date()), withinMs, signal);
  }
}

function repeatable(keyed: Handover['keyed']): { idempotencyKey?: string; fingerprint?: string } {
  if (keyed?.key === undefined) return {};
  return { idempotencyKey: keyed.key, fingerprint: fingerprintOf(keyed.body) };
}
