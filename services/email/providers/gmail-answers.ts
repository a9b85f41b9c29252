import {
  wordsOfBody,
  type Ambiguous,
  type Deferred,
  type Permanent,
  type Transient,
} from '../../../shared/delivery/index.ts';
import { HOUR, MINUTE, SECOND } from '../../../shared/runtime/duration.ts';
import { ABORTED, NoAnswer, NoPlace, NoToken, type Answer } from '../../../shared/google/index.ts';

/** What a failed hand-over is, without the provider's name. */
type Failure = Omit<Transient | Permanent | Ambiguous, 'provider'> | Omit<Deferred, 'provider'>;

/** Reasons by which Google asks all of us to wait, and for how long when it does not say, in milliseconds. */
const QUOTA_REASONS = new Map([
  ['rateLimitExceeded', MINUTE],
  ['userRateLimitExceeded', MINUTE],
  ['quotaExceeded', MINUTE],
  ['dailyLimitExceeded', HOUR],
]);

/** Reasons of a 400 that speak about this mail: another attempt would meet them again. */
const ABOUT_THE_MAIL = new Set([
  'invalidArgument',
  'invalid',
  'badRequest',
  'required',
  'parseError',
  'uploadTooLarge',
]);

/** Words of a quota that counts requests at once and not in time: "Too many concurrent requests for user". */
const AT_ONCE = /concurren/i;

/** The reason of a 400 that speaks about the mailbox that sends, such as one without mail service. */
const OF_OUR_MAILBOX = 'failedPrecondition';

/** A gateway in between says so, or something that is not Gmail says 200: what stands behind may have taken the mail. */
const UNSURE_STATUSES = new Set([200, 502, 504]);

/** How long a mail that found all places taken waits, in milliseconds. */
const NO_PLACE_MS = 5 * SECOND;

/**
 * Puts an answer of the Gmail API into one of our outcomes.
 *
 * | answer | outcome |
 * |---|---|
 * | 429; 403 by a quota; 503 with Retry-After | deferred, as long as it says; the provider's fault |
 * | 400 about the mail, 413 | permanent |
 * | 502, 504, and a 200 that is none of Gmail's | ambiguous; the provider's fault |
 * | 401, other 403, other 5xx, 400 failedPrecondition | transient; the provider's fault, for all mails would meet it |
 * | all else | transient: our own trouble |
 *
 * Reasons: https://developers.google.com/workspace/gmail/api/guides/handle-errors.
 */
export function classifyGmailAnswer(answer: Answer, now = Date.now()): Failure {
  const { status, reason: code, message } = refusalOf(answer);
  const named = { code: code ?? `http_${status}`, reason: (message || `HTTP ${status}`).slice(0, 500) };
  const quotaMs = status === 403 || status === 429 ? QUOTA_REASONS.get(named.code) : undefined;
  if (quotaMs !== undefined || status === 429 || (status === 503 && answer.retryAfterSeconds !== undefined))
    return {
      kind: 'deferred',
      ...named,
      afterMs: waitOf(answer, message, now) ?? quotaMs ?? MINUTE,
      providerFault: true,
      ...(AT_ONCE.test(message) && { overLimit: true }),
    };
  if (status === 413 || (status === 400 && ABOUT_THE_MAIL.has(named.code)))
    return { kind: 'permanent', ...named };
  if (UNSURE_STATUSES.has(status)) return { kind: 'ambiguous', ...named, providerFault: true };
  const isFault = status >= 500 || status === 401 || status === 403 || named.code === OF_OUR_MAILBOX;
  return { kind: 'transient', ...named, ...(isFault && { providerFault: true }) };
}

/** What may end a hand-over without an answer; anything else is a bug. */
export type GmailSilence = NoPlace | NoToken | NoAnswer;

/** Whether it is one of those. */
export function isGmailSilence(thrown: unknown): thrown is GmailSilence {
  return thrown instanceof NoPlace || thrown instanceof NoToken || thrown instanceof NoAnswer;
}

/** Puts what ended a hand-over without an answer into one of our outcomes. */
export function classifyGmailSilence(thrown: GmailSilence): Failure {
  const reason = thrown.message.slice(0, 500);
  if (thrown instanceof NoPlace)
    return {
      kind: 'deferred',
      code: 'busy',
      reason: 'all places of GMAIL_CONCURRENCY were taken',
      afterMs: NO_PLACE_MS,
      untried: true,
      isOurs: true,
    };
  if (thrown instanceof NoToken)
    return { kind: 'transient', code: thrown.code, reason, providerFault: true, seen: false };
  if (thrown.mayHaveArrived)
    return { kind: 'ambiguous', code: thrown.code, reason: `no answer after the mail was sent: ${reason}` };
  return {
    kind: 'transient',
    code: thrown.code,
    reason,
    seen: false,
    ...(thrown.code !== ABORTED && { providerFault: true }),
  };
}

/** What an error of Google says of itself: https://cloud.google.com/apis/design/errors, with the older `errors` that Gmail still gives. */
function refusalOf({ status, fields, body }: Answer): {
  status: number;
  reason: string | undefined;
  message: string;
} {
  const error = asObject(fields.error);
  const [first] = Array.isArray(error.errors) ? (error.errors as unknown[]) : [];
  const { reason } = asObject(first);
  return {
    status,
    reason: typeof reason === 'string' ? reason : undefined,
    // What stands between us and Google answers in its own format.
    message: typeof error.message === 'string' ? error.message : wordsOfBody(body ?? fields),
  };
}

/** By Retry-After, or by words as "User-rate limit exceeded.  Retry after 2026-01-01T10:00:00.000Z". Milliseconds. */
function waitOf({ retryAfterSeconds }: Answer, message: string, now: number): number | undefined {
  if (retryAfterSeconds !== undefined) return retryAfterSeconds * SECOND;
  const [, until = ''] = /Retry after (\d{4}-[\dT:.-]+Z)/i.exec(message) ?? [];
  const at = Date.parse(until);
  return Number.isNaN(at) ? undefined : Math.max(SECOND, at - now);
}

function asObject(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
