import { SECOND } from './duration.ts';

/** Seconds that a Retry-After header asks for, which has them or a date (RFC 9110 §10.2.3); undefined when it says neither. */
export function retryAfterSecondsOf(value: unknown, now = Date.now()): number | undefined {
  if (typeof value !== 'string') return undefined;
  if (/^\s*\d{1,9}\s*$/.test(value)) return Number(value);
  // Dates begin with the day's name: Date.parse takes far more than that for one.
  const at = /^\s*[A-Z][a-z]+, /.test(value) ? Date.parse(value) : NaN;
  return Number.isNaN(at) ? undefined : Math.max(0, Math.ceil((at - now) / SECOND));
}
