import { gmailProvider } from '../../../../services/email/providers/gmail.ts';
import { GOOGLE_CLIENT } from '../../../support/google.ts';
import { aRecord } from '../../../support/records.ts';
import type { Candidate } from '../stand.ts';
import { sandboxStand } from './sandbox.ts';

const refuse = (status: number, reason: string, more: { retryAfterSeconds?: number } = {}) => ({
  gmailFault: { refuse: { status, reason, message: `refused: ${reason}`, ...more } },
});

/** The Gmail API, with the token service of the same stand-in. */
export const gmailCandidate: Candidate = {
  // Each mail gets an id of Gmail's own; its Message-ID stays the same.
  capabilities: { rateLimits: true, knowsHandOver: true, heedsPatience: true, stableId: false },
  garbage: [
    'SSH-2.0-OpenSSH_9.2\r\n',
    'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{"access_',
    'HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 15\r\n\r\n<h1>Log in</h1>',
  ],
  start: () =>
    sandboxStand({
      make: gmailProvider,
      server: 'httpPort',
      settings: (port) => ({
        GOOGLE_API_BASE_URL: `http://127.0.0.1:${port}`,
        GMAIL_CLIENT_ID: GOOGLE_CLIENT.clientId,
        GMAIL_CLIENT_SECRET: GOOGLE_CLIENT.clientSecret,
        GMAIL_REFRESH_TOKEN: GOOGLE_CLIENT.refreshToken,
      }),
      notification: () => aRecord({ subject: 'Order', message: 'Hello' }),
      idOf: ({ id }) => id,
      refusals: {
        permanent: refuse(400, 'invalidArgument'),
        transient: refuse(409, 'aborted'),
        'rate-limited': refuse(429, 'rateLimitExceeded', { retryAfterSeconds: 7 }),
        'own fault': refuse(500, 'backendError'),
      },
    }),
};
