import { CHANNELS, type Notification, type Status, type Suppression } from '../contracts/index.ts';
import { HOUR, SECOND, formatDuration } from '../runtime/duration.ts';
import { growingWaitMs } from './held-for.ts';
import { suppressionOf, type Result } from '../store/index.ts';
import type { SuppressAfter } from '../verdicts/index.ts';
import type {
  Ambiguous,
  Deferred,
  Expired,
  Outcome,
  Permanent,
  Sent,
  Suppressed,
  Transient,
} from './outcome.ts';

/** How long a notification without expires_at is deferred, in milliseconds from its first deferral. */
export const MAX_HOLD_MS = 72 * HOUR;
/** A provider that says "at once" still gets this pause, in milliseconds. */
const MIN_HOLD_MS = SECOND;

/** Where the message goes after the result is recorded. */
export type Hop = { to: 'nowhere' } | { to: 'retry'; delayMs: number } | { to: 'dead'; code: string };

/** What an attempt leads to: what is recorded, and where the message goes. */
export interface Decision {
  result: Result;
  hop: Hop;
  /** What is suppressed before the result is recorded. */
  suppression?: Suppression;
  /** Set where the refusal is only counted towards that suppression. */
  suppressAfter?: SuppressAfter;
}

/** What a decision depends on besides the attempt. */
export interface DecisionContext {
  /** The retry ladder, in milliseconds. */
  delays: readonly number[];
  /** Who delivers, for the timeline. */
  actor: string;
  now: Date;
}

/** The one place that turns the outcome of an attempt into the next state. Pure. */
export function decide(record: Notification, outcome: Outcome, context: DecisionContext): Decision {
  switch (outcome.kind) {
    case 'sent':
      return sent(record, outcome, context);
    case 'transient':
      return outcome.providerFault ? hold(record, outcome, context) : climb(record, outcome, context);
    case 'permanent':
      return refused(record, outcome, context);
    case 'deferred':
      return hold(record, outcome, context);
    case 'suppressed':
      // What a person has sent again ends as a dead letter instead: once the suppression is lifted, it can be sent again.
      return record.retried_at ? dead(record, outcome, context) : ended(record, outcome, context);
    case 'expired':
      return ended(record, outcome, context);
    case 'ambiguous':
      return record.on_ambiguous === 'hold'
        ? unknown(record, outcome, context)
        : climb(record, outcome, context);
  }
}

function sent(record: Notification, outcome: Sent, context: DecisionContext): Decision {
  const { provider, provider_message_id, reason } = outcome;
  const set = {
    provider,
    ...(provider_message_id !== undefined && { provider_message_id }),
    ...(CHANNELS[record.type].inbox && { unread: true as const }),
  };
  const change = { actor: context.actor, attempt: record.attempt, ...(reason !== undefined && { reason }) };
  return {
    result: { id: record._id, fence: record.fence, status: 'sent', change, set },
    hop: { to: 'nowhere' },
  };
}

/** The next rung of the ladder, or the dead letter behind the last. */
function climb(record: Notification, outcome: Transient | Ambiguous, context: DecisionContext): Decision {
  const delayMs = context.delays[record.retry_count];
  if (delayMs === undefined) return dead(record, outcome, context);
  const result = resultOf(record, outcome, context, 'failed');
  return {
    result: {
      ...result,
      change: { ...result.change, reason: `${outcome.reason}; next try in ${formatDuration(delayMs)}` },
      delayMs,
      set: { ...result.set, retry_count: record.retry_count + 1 },
    },
    hop: { to: 'retry', delayMs },
  };
}

function dead(
  record: Notification,
  outcome: Permanent | Transient | Deferred | Ambiguous | Suppressed,
  context: DecisionContext,
): Decision {
  return {
    result: resultOf(record, outcome, context, 'failed_permanently'),
    hop: { to: 'dead', code: outcome.code },
  };
}

/** A dead letter, and where it was refused for good its address is suppressed. */
function refused(record: Notification, outcome: Permanent, context: DecisionContext): Decision {
  const { codeForGood: code, suppressAfter, reason, provider } = outcome;
  const suppression =
    code === undefined ? undefined : suppressionOf(record, { actor: context.actor, code, reason, provider });
  if (!suppression) return dead(record, outcome, context);
  if (suppressAfter) return { ...dead(record, outcome, context), suppression, suppressAfter };
  const told = { ...outcome, reason: `${reason}; the address is suppressed` };
  return { ...dead(record, told, context), suppression };
}

function ended(record: Notification, outcome: Expired | Suppressed, context: DecisionContext): Decision {
  return { result: resultOf(record, outcome, context, outcome.kind), hop: { to: 'nowhere' } };
}

function unknown(record: Notification, outcome: Ambiguous, context: DecisionContext): Decision {
  return { result: resultOf(record, outcome, context, 'outcome_unknown'), hop: { to: 'nowhere' } };
}

/**
 * Defers: spends no retry, and the scheduler brings the notification back, so no message waits for it. Each deferral lasts longer, whatever the
 * provider asks for, so that 72 h of `Retry-After: 1` do not fill the timeline. It ends at expires_at; without one, 72 h after the first deferral.
 */
function hold(record: Notification, outcome: Deferred | Transient, context: DecisionContext): Decision {
  const held = resultOf(record, outcome, context, 'held');
  const hop = { to: 'nowhere' } as const;
  const afterMs = outcome.kind === 'deferred' ? outcome.afterMs : 0;
  if (outcome.kind === 'deferred' && outcome.isOurs)
    return { result: { ...held, delayMs: afterMs, countsAsHold: false }, hop };
  const leftMs = holdLeftMs(record, context.now);
  if (leftMs <= 0) return endOfHold(record, outcome, context);
  const delayMs = Math.min(Math.max(afterMs, MIN_HOLD_MS, growingWaitMs(record)), leftMs);
  return { result: { ...held, delayMs }, hop };
}

function holdLeftMs({ held_since, expires_at }: Notification, now: Date): number {
  if (expires_at) return Infinity;
  return MAX_HOLD_MS - (held_since ? now.getTime() - held_since.getTime() : 0);
}

/** A provider's fault ends as a dead letter, which an operator can redrive once the provider is back; a limit of ours expires. */
function endOfHold(record: Notification, outcome: Deferred | Transient, context: DecisionContext): Decision {
  const told = { ...outcome, reason: `${outcome.reason}; deferred for ${MAX_HOLD_MS / HOUR} h` };
  if (outcome.providerFault) return dead(record, told, context);
  return { result: resultOf(record, told, context, 'expired'), hop: { to: 'nowhere' } };
}

function resultOf(
  record: Notification,
  outcome: Exclude<Outcome, Sent>,
  { actor }: DecisionContext,
  status: Status,
): Result {
  const { provider, code, reason } = outcome;
  return {
    id: record._id,
    fence: record.fence,
    status,
    change: {
      actor,
      attempt: record.attempt,
      code,
      reason,
      ...(outcome.kind === 'ambiguous' && !outcome.marked && { ambiguous: true as const }),
    },
    set: { provider, error: { code, reason, provider } },
  };
}
