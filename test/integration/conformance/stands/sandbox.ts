import { TcpProxy } from '../../../../infra/chaos/tcp-proxy.ts';
import type { GmailFault, MailFault, TextFault } from '../../../../infra/local/sandbox/faults.ts';
import type { Mail, Text } from '../../../../infra/local/sandbox/mailbox.ts';
import { startSandbox } from '../../../../infra/local/sandbox/sandbox.ts';
import type { Notification } from '../../../../shared/contracts/index.ts';
import type { ProviderMaker } from '../../../../shared/delivery/index.ts';
import { readConfig } from '../../../../shared/runtime/config.ts';
import { GOOGLE_CLIENT } from '../../../support/google.ts';
import type { Refusal, Stand } from '../stand.ts';

const ACCOUNT = { accountSid: `AC${'a'.repeat(32)}`, authToken: 'token' };

/** How a stand uses the sandbox. */
interface SandboxUse {
  make: ProviderMaker;
  /** Which of its servers. */
  server: 'smtpPort' | 'httpPort';
  /** Settings of the provider, which is to reach the server at this port. */
  settings: (port: number) => Record<string, string>;
  notification: () => Notification;
  /** What its answer calls what it took; a Message-ID, or an SMS by its SID, when not given. */
  idOf?: (item: Mail | Text) => string;
  refusals: Partial<
    Record<
      Refusal,
      { smtpFault?: MailFault; gmailFault?: GmailFault; smsFault?: TextFault; greeting?: string }
    >
  >;
}

/** The sandbox as the other side of a provider, behind a network that can be bad. */
export async function sandboxStand(use: SandboxUse): Promise<Stand> {
  const sandbox = await startSandbox({ smtpPort: 0, httpPort: 0, ...ACCOUNT, google: GOOGLE_CLIENT });
  const network = await TcpProxy.start(sandbox[use.server]);
  const settings = {
    MAIL_FROM: 'Tidings <hello@tidings.example>',
    TWILIO_ACCOUNT_SID: ACCOUNT.accountSid,
    TWILIO_AUTH_TOKEN: ACCOUNT.authToken,
    TWILIO_PHONE_NUMBER: '+15005550006',
    ...use.settings(network.port),
  };
  return {
    provider: use.make(readConfig(settings)),
    network,
    notification: use.notification,
    taken: () => sandbox.mailbox.all().map(use.idOf ?? idOf),
    refuse: (how) => {
      const { greeting, ...faults } = use.refusals[how] ?? {};
      Object.assign(sandbox, faults);
      if (greeting !== undefined) network.be({ garbage: greeting });
    },
    beforeAnswer: (act) => {
      sandbox.beforeAnswer = act;
    },
    stop: async () => {
      await network.stop();
      await sandbox.stop();
    },
  };
}

function idOf(item: Mail | Text): string {
  return item.kind === 'mail' ? messageIdOf(item.raw) : item.id;
}

function messageIdOf(raw: Buffer): string {
  return /^message-id: (.*)$/im.exec(raw.toString())?.[1]?.trim() ?? '';
}
