import { whyForGood } from '../../../shared/contracts/index.ts';
import type { Ambiguous, Deferred, Permanent, Transient } from '../../../shared/delivery/index.ts';
import { MINUTE, SECOND } from '../../../shared/runtime/duration.ts';

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

/** Error codes that speak about this recipient or this text, from Twilio's error dictionary: another attempt would meet them again. */
const PERMANENT_CODES = new Map([
  [21211, 'invalid To number'],
  [21217, 'number does not look like one'],
  [21408, 'no permission to send to this region'],
  [21421, 'number is invalid'],
  [21602, 'message body is missing'],
  [21604, 'To is missing'],
  [21610, 'the recipient unsubscribed'],
  [21612, 'To cannot be reached from this From'],
  [21614, 'To is not a mobile number'],
  [21617, 'the text is over 1 600 characters'],
  [21623, 'no media for this recipient'],
  [63033, 'the recipient blocked the sender'],
]);

/** A rate limit without Retry-After puts a message off for so long, in milliseconds. */
const DEFAULT_RETRY_AFTER_MS = MINUTE;

/** Statuses of gateways in between: what stands behind them may have taken the message. */
const UNSURE_STATUSES = new Set([502, 504]);

/** axios' word for a request that we ended ourselves. Whether the API was too slow, only who ended it knows. */
const CANCELED = 'ERR_CANCELED';

/** We waited in vain: it may have arrived, and the API is too slow. */
const TIMED_OUT = new Set(['ECONNABORTED', 'ETIMEDOUT']);

/** Statuses by which the API speaks of itself or of our account: 401 refuses our credentials, 5xx is out of order. */
function isProviderFault(status: number, code: number | undefined): boolean {
  return status >= 500 || code === 20003 || status === 401;
}

/** Puts an answer of the API into one of our outcomes. What is not in the table is our own trouble (account, sender): transient. */
export function classifyTwilioAnswer({ status, code, message, retryAfterSeconds }: TwilioAnswer): Failure {
  const known = code === undefined ? undefined : PERMANENT_CODES.get(code);
  const reason = (message || known || `HTTP ${status}`).slice(0, 500);
  const named = { code: String(code ?? `http_${status}`), reason };
  if (known !== undefined) return { kind: 'permanent', ...named, ...forGoodBy(named.code) };
  if (status === 429 || (status === 503 && retryAfterSeconds !== undefined)) {
    const afterMs = retryAfterSeconds === undefined ? DEFAULT_RETRY_AFTER_MS : retryAfterSeconds * SECOND;
    return { kind: 'deferred', ...named, afterMs, providerFault: true };
  }
  const fault = isProviderFault(status, code) ? { providerFault: true as const } : {};
  return { kind: UNSURE_STATUSES.has(status) ? 'ambiguous' : 'transient', ...named, ...fault };
}

/** At the hand-over it is as good a reason to suppress as in a report afterwards. */
function forGoodBy(code: string): { codeForGood?: string } {
  return whyForGood(code) === undefined ? {} : { codeForGood: code };
}

/** Puts a failed connection into one of our outcomes: unless it never came about (`wasOpen`), the request may have arrived. */
export function classifyTwilioSilence(code: string | undefined, message: string, wasOpen: boolean): Failure {
  const named = { code: code ?? 'connection_lost', reason: message.slice(0, 500) };
  const isFault = wasOpen ? TIMED_OUT.has(named.code) : named.code !== CANCELED;
  return { kind: wasOpen ? 'ambiguous' : 'transient', ...named, ...(isFault && { providerFault: true }) };
}
