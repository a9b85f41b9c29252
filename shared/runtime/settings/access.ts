import { z } from 'zod';
import { url, whole, perSecond, isSafeWay } from './kinds.ts';

/** Who may do what, and how much of it. */
export const accessSettings = {
  API_KEY: z
    .string()
    .regex(/^[\x21-\x7e]{16,256}$/, { error: 'must be 16 to 256 printable characters without spaces' })
    .optional()
    .describe(
      'Bearer key of the API, with every right. `npm start` makes one, kept under .data/, when this is not set.',
    ),
  JWKS_URL: url('http:', 'https:')
    .refine((text) => !URL.canParse(text) || isSafeWay(new URL(text)), {
      error:
        'must begin with https://, but for this machine: whoever is on the way would sign what they like',
    })
    .optional()
    .describe(
      'Public keys of an issuer whose tokens the API takes, such as https://id.example.org/.well-known/jwks.json. With it JWT_ISSUER and JWT_AUDIENCE are needed.',
    ),
  JWT_ISSUER: z
    .string()
    .min(1)
    .refine((text) => text !== 'tidings', { error: 'must not be tidings: that is the fleet itself' })
    .optional()
    .describe('The iss that those tokens must have.'),
  JWT_AUDIENCE: z.string().min(1).optional().describe('The aud that those tokens must have.'),
  KEY_REQUESTS_PER_SECOND: perSecond
    .default(100)
    .describe(
      'Requests a second that each producer takes from one key, account or person; a key may have its own number. 0: no limit. API_KEY has none.',
    ),
  KEY_BYTES_PER_SECOND: whole(0, 1_073_741_824)
    .default(10_485_760)
    .describe(
      'Bytes of bodies a second that each producer takes from one key, account or person; a key may have its own number. A body larger than that is taken, and the next one waits. 0: no limit. API_KEY has none.',
    ),
  ADDRESS_REQUESTS_PER_SECOND: perSecond
    .default(300)
    .describe(
      'Requests a second that each producer takes from one address without good credentials, pages among them. 0: no limit.',
    ),
  AMQP_REQUESTS_PER_SECOND: perSecond
    .default(1_000)
    .describe(
      'Requests a second that each producer takes from one sender by AMQP; what is more waits in its queue. 0: no limit.',
    ),
  AUDIT_RETENTION_DAYS: whole(1, 3650).default(365).describe('How long the audit keeps who did what. Days.'),
};
