import { z } from 'zod';
import { whole, safeUrl } from './kinds.ts';

/** Google's API. */
export const gmailSettings = {
  GMAIL_CLIENT_ID: z
    .string()
    .regex(/^[\x21-\x7e]{1,256}$/, { error: 'must be as Google shows it, without spaces' })
    .optional()
    .describe('OAuth client of the Gmail API, of the kind "Desktop app". See docs/gmail.md.'),
  GMAIL_CLIENT_SECRET: z.string().min(1).optional().describe('Secret of that client.'),
  GMAIL_REFRESH_TOKEN: z
    .string()
    .min(1)
    .optional()
    .describe('By it the consumer gets its access tokens. `npm run gmail:connect` gets one.'),
  GMAIL_SERVICE_ACCOUNT_FILE: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Key file (JSON) of a service account with domain-wide delegation, instead of client and refresh token. It acts as GMAIL_USER.',
    ),
  GMAIL_USER: z
    .email({ error: 'must be an address such as notifications@example.org' })
    .optional()
    .describe('Mailbox that sends: needed with a service account, and with SMTP_OAUTH.'),
  GMAIL_CONCURRENCY: whole(1, 1000)
    .default(10)
    .describe('E-mails being handed to the Gmail API at once by one process; Google refuses many at once.'),
  GOOGLE_API_BASE_URL: safeUrl
    .optional()
    .describe(
      'Another address that speaks the Gmail API and Google’s OAuth; the sandbox sets it. Without it, Google itself.',
    ),
};
