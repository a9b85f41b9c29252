import type { Notification } from '../../../../shared/contracts/index.ts';
import type { ProviderMaker } from '../../../../shared/delivery/index.ts';
import { aRecord } from '../../../support/records.ts';
import type { Candidate } from '../stand.ts';
import { sandboxStand } from './sandbox.ts';

/** What is another one's way, besides e-mail. */
interface Variant {
  settings: Record<string, string>;
  notification: () => Notification;
}

const E_MAIL: Variant = {
  settings: {},
  notification: () => aRecord({ subject: 'Order', message: 'Hello' }),
};

/** Any provider that is a mail server: `setting` names the URL by which it reaches it. */
export function mailServerCandidate(
  make: ProviderMaker,
  setting: string,
  { settings, notification }: Variant = E_MAIL,
): Candidate {
  return {
    capabilities: { rateLimits: false, knowsHandOver: true, heedsPatience: true, stableId: true },
    garbage: ['\0\u0001\u0002nonsense\r\n', '999 what\r\n', 'HTTP/1.1 400 Bad Request\r\n\r\n'],
    start: () =>
      sandboxStand({
        make,
        server: 'smtpPort',
        settings: (port) => ({ ...settings, [setting]: `smtp://127.0.0.1:${port}` }),
        notification,
        refusals: {
          permanent: { smtpFault: { refuse: { at: 'rcpt', code: 550, message: '5.1.1 no such mailbox' } } },
          transient: { smtpFault: { refuse: { at: 'data', code: 451, message: '4.3.0 try again later' } } },
          'own fault': { greeting: '421 4.3.2 closing\r\n' },
        },
      }),
  };
}
