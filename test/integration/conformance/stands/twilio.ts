import { twilioProvider } from '../../../../services/sms/providers/twilio.ts';
import { aRecord } from '../../../support/records.ts';
import type { Candidate } from '../stand.ts';
import { sandboxStand } from './sandbox.ts';

/** Twilio's API. */
export const twilioCandidate: Candidate = {
  capabilities: { rateLimits: true, knowsHandOver: false, heedsPatience: false, stableId: false },
  garbage: [
    'SSH-2.0-OpenSSH_9.2\r\n',
    'HTTP/1.1 201 Created\r\ncontent-type: application/json\r\ncontent-length: 5\r\n\r\n{"sid',
    'HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 15\r\n\r\n<h1>Log in</h1>',
  ],
  start: () =>
    sandboxStand({
      make: twilioProvider,
      server: 'httpPort',
      settings: (port) => ({ TWILIO_API_BASE_URL: `http://127.0.0.1:${port}` }),
      notification: () => aRecord({ type: 'sms', phone: '+15005550006' }),
      refusals: {
        permanent: { smsFault: { refuse: { status: 400, code: 21211, message: 'no valid number' } } },
        transient: { smsFault: { refuse: { status: 400, code: 29999, message: 'nobody knows' } } },
        'rate-limited': {
          smsFault: { refuse: { status: 429, code: 20429, message: 'too many', retryAfterSeconds: 7 } },
        },
        'own fault': { smsFault: { refuse: { status: 500, code: 20500, message: 'out of order' } } },
      },
    }),
};
