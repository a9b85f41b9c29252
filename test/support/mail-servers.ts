import { TcpProxy } from '../../infra/chaos/tcp-proxy.ts';
import { startSandbox, type Sandbox } from '../../infra/local/sandbox/sandbox.ts';

/** A mail server behind a network that can be bad, and how many mails it took. */
export interface MailServer {
  sandbox: Sandbox;
  network: TcpProxy;
  url: string;
  /** Mails taken since it was last asked to begin anew. */
  taken: () => number;
  beginAnew: () => void;
  stop: () => Promise<void>;
}

/** Starts one on free ports. */
export async function startMailServer(): Promise<MailServer> {
  const sandbox = await startSandbox({ smtpPort: 0, httpPort: 0, accountSid: 'AC0', authToken: 'token' });
  const network = await TcpProxy.start(sandbox.smtpPort);
  let taken = 0;
  sandbox.mailbox.on('arrived', () => {
    taken += 1;
  });
  return {
    sandbox,
    network,
    url: `smtp://127.0.0.1:${network.port}`,
    taken: () => taken,
    beginAnew: () => {
      taken = 0;
    },
    stop: async () => {
      await network.stop();
      await sandbox.stop();
    },
  };
}
