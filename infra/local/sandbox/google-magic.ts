import type { GmailFault } from './faults.ts';
import { magicOf } from './magic-recipients.ts';

/** A magic recipient at the Gmail API. */
export interface GmailMagic extends GmailFault {
  times?: number;
}

/** Ours, for a fault that SMTP has no word for. */
const BUSY: GmailMagic = {
  refuse: {
    status: 429,
    reason: 'rateLimitExceeded',
    message: 'User-rate limit exceeded.',
    retryAfterSeconds: 5,
  },
  times: 1,
};

/**
 * What the Gmail API does with a mail to a magic recipient: the same as the mail server, in its own words. `busy@` it asks to wait, once.
 */
export function gmailMagicOf(address: string): GmailMagic | undefined {
  if (/^busy(\+[^@]*)?@/i.test(address)) return BUSY;
  const magic = magicOf(address);
  if (!magic) return undefined;
  const { refuse, ...fault } = magic;
  if (!refuse) return fault;
  return {
    ...fault,
    refuse:
      refuse.code >= 500
        ? { status: 400, reason: 'invalidArgument', message: 'Invalid To header' }
        : { status: 503, reason: 'backendError', message: 'The service is currently unavailable.' },
  };
}
