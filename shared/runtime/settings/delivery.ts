import { whole, retryDelays, recipientLimit } from './kinds.ts';

/** How much is delivered at once, how often it is tried, and how long it is kept. */
export const deliverySettings = {
  RETRY_DELAYS: retryDelays
    .prefault('30s,2m,10m,30m,1h')
    .describe('Delays of the retry ladder. One more attempt than delays is made.'),
  EMAIL_CONCURRENCY: whole(1, 1000)
    .default(20)
    .describe('E-mails being sent at once by one process; as many SMTP connections.'),
  EMAIL_IN_HAND: whole(1, 5000)
    .default(200)
    .describe(
      'E-mails of one process that are claimed and not recorded yet, at most: so many may be marked as ambiguous after a crash.',
    ),
  SMS_CONCURRENCY: whole(1, 1000).default(20).describe('SMS being sent at once by one process.'),
  IN_APP_CONCURRENCY: whole(1, 5000)
    .default(500)
    .describe('In-app notifications being delivered at once by one process.'),
  EMAIL_PER_SECOND: whole(1, 100_000)
    .optional()
    .describe('E-mails that one process hands over in a second at most. Unlimited when not set.'),
  SMS_PER_SECOND: whole(1, 100_000)
    .optional()
    .describe('SMS that one process hands over in a second at most. Unlimited when not set.'),
  EMAIL_PER_RECIPIENT_HOUR: recipientLimit('E-mails'),
  SMS_PER_RECIPIENT_HOUR: recipientLimit('SMS'),
  IN_APP_PER_RECIPIENT_HOUR: recipientLimit('In-app notifications'),
  DELIVERY_TIMEOUT_SECONDS: whole(1, 600)
    .default(30)
    .describe('How long one attempt at a provider may take. Seconds.'),
  LEASE_SECONDS: whole(2, 600)
    .default(15)
    .describe('How long a claim holds without renewal; a crashed delivery is taken over after it. Seconds.'),
  RETENTION_DAYS: whole(1, 3650)
    .default(30)
    .describe('How long a finished notification is kept. A dead letter never expires. Days.'),
};
