import type { Ambiguous, Deferred, Permanent, Transient } from '../../../shared/delivery/index.ts';
import { MINUTE, SECOND } from '../../../shared/runtime/duration.ts';
import { effectsOf, isAtOnce, twilioVerdict, type SuppressAfter } from '../../../shared/verdicts/index.ts';

/** An answer of the Twilio API that is not a success. */
export interface TwilioAnswer {
  /** HTTP status. */
  status: number;
  /** Twilio's own error code. */
  code: number | undefined;
  message: string;
  /** Seconds that Retry-After asked for. */
  retryAfterSeconds: number | undefined;
}

/** What a failed hand-over is, without the provider's name. */
type Failure =
  | Omit<Transient, 'provider'>
  | Omit<Permanent, 'provider'>
  | Omit<Ambiguous, 'provider'>
  | Omit<Deferred, 'provider'>;

/** A rate limit without Retry-After puts a message off for so long, in milliseconds. */
const DEFAULT_RETRY_AFTER_MS = MINUTE;

/** Statuses of gateways in between: what stands behind them may have taken the message. */
const UNSURE_STATUSES = new Set([502, 504]);

/** axios' word for a request that we ended ourselves. Whether the API was too slow, only who ended it knows. */
const CANCELED = 'ERR_CANCELED';

/** We waited in vain: it may have arrived, and the API is too slow. */
const TIMED_OUT = new Set(['ECONNABORTED', 'ETIMEDOUT']);

/** HTTP statuses about our credentials, our balance or the API itself. */
function isFaultStatus(status: number): boolean {
  return status >= 500 || status === 401 || status === 402;
}

/** Codes of the carriers: they come in status callbacks only. */
function isDeliveryCode(code: number): boolean {
  return code >= 30_000 && code < 40_000;
}

/**
 * Classifies an answer of the API by the decision table (`shared/verdicts/twilio-codes.ts`). A code without a row is retried.
 */
export function classifyTwilioAnswer({ status, code, message, retryAfterSeconds }: TwilioAnswer): Failure {
  const row = code === undefined || isDeliveryCode(code) ? undefined : twilioVerdict(code);
  const reason = (message || row?.meaning || `HTTP ${status}`).slice(0, 500);
  const named = { code: String(code ?? `http_${status}`), reason };
  const { isRetried, providerFault, suppressAfter } = row ? effectsOf(row.verdict) : { isRetried: true };
  if (!isRetried) return { kind: 'permanent', ...named, ...suppressionBy(named.code, suppressAfter) };
  if (status === 429 || (status === 503 && retryAfterSeconds !== undefined)) {
    const afterMs = retryAfterSeconds === undefined ? DEFAULT_RETRY_AFTER_MS : retryAfterSeconds * SECOND;
    return { kind: 'deferred', ...named, afterMs, providerFault: true };
  }
  const fault = providerFault || isFaultStatus(status) ? { providerFault: true as const } : {};
  return { kind: UNSURE_STATUSES.has(status) ? 'ambiguous' : 'transient', ...named, ...fault };
}

function suppressionBy(
  code: string,
  suppressAfter: SuppressAfter | undefined,
): { codeForGood?: string; suppressAfter?: SuppressAfter } {
  if (!suppressAfter) return {};
  return { codeForGood: code, ...(!isAtOnce(suppressAfter) && { suppressAfter }) };
}

/** Puts a failed connection into one of our outcomes: unless it never came about (`wasOpen`), the request may have arrived. */
export function classifyTwilioSilence(code: string | undefined, message: string, wasOpen: boolean): Failure {
  const named = { code: code ?? 'connection_lost', reason: message.slice(0, 500) };
  const isFault = wasOpen ? TIMED_OUT.has(named.code) : named.code !== CANCELED;
  return { kind: wasOpen ? 'ambiguous' : 'transient', ...named, ...(isFault && { providerFault: true }) };
}
