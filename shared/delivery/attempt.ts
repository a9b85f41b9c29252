import { CHANNELS } from '../contracts/index.ts';
import { SECOND } from '../runtime/duration.ts';
import { toError } from '../runtime/errors.ts';
import type { Logger } from '../runtime/logger.ts';
import { POISON_AT } from '../store/index.ts';
import type { DeliveryChannel } from './channel.ts';
import type { Claimed } from './claimed.ts';
import { TOO_SLOW, endOf } from './hanging.ts';
import type { Outcome } from './outcome.ts';

/** What a channel gets, in milliseconds, to say what it knows after the signal; then it is taken for hanging. */
const GRACE_MS = SECOND;

/** What an attempt needs. */
export interface AttemptOptions {
  timeoutMs: number;
  log: Logger;
}

/** Tries once at the channel, whatever the channel does: it may answer, throw, or never come back. */
export async function attempt(
  channel: DeliveryChannel,
  claimed: Claimed,
  { timeoutMs, log }: AttemptOptions,
): Promise<Outcome> {
  const { record } = claimed;
  const underWay = new AbortController();
  claimed.begins(underWay);
  const timer = setTimeout(() => {
    underWay.abort(TOO_SLOW);
  }, timeoutMs);
  try {
    const { signal } = underWay;
    const { provider } = channel;
    return await endOf(channel.deliver(record, signal), { signal, provider, graceMs: GRACE_MS });
  } catch (thrown) {
    const error = toError(thrown);
    log.error('the channel threw: this is a bug', { id: record._id, error });
    return {
      kind: 'transient',
      provider: channel.provider,
      code: 'handler_error',
      reason: error.message,
      untried: true,
    };
  } finally {
    clearTimeout(timer);
  }
}

/** What is decided by the history of the record and the time alone, so that nothing is handed over. */
export function settledBefore(claimed: Claimed, { provider }: DeliveryChannel): Outcome | undefined {
  const { record } = claimed;
  if (record.interrupted >= POISON_AT)
    return {
      kind: 'permanent',
      provider,
      code: 'poison',
      untried: true,
      reason: `its sending was interrupted ${record.interrupted} times`,
    };
  // Where our own store is the provider, what was not recorded was not handed over.
  const isDoubtful = record.previous_status === 'sending' && !CHANNELS[record.type].inbox;
  if (isDoubtful && record.on_ambiguous === 'hold') {
    const reason = 'the attempt before was interrupted; a person decides';
    return { kind: 'ambiguous', provider, code: 'interrupted', reason, marked: true, untried: true };
  }
  if (claimed.isExpired) {
    const reason = 'not sent before expires_at';
    return { kind: 'expired', provider, code: 'expired', reason, untried: true };
  }
  return undefined;
}
