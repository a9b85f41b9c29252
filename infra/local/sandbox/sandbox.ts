import type { AddressInfo } from 'node:net';
import { randomBytes } from 'node:crypto';
import { GoogleAccount, type GoogleClient } from './google-account.ts';
import { Mailbox } from './mailbox.ts';
import { startHttpSandbox } from './http-sandbox.ts';
import type { Switches } from './faults.ts';
import { StatusCallbacks } from './status-callbacks.ts';
import { startSmtpSandbox } from './smtp-sandbox.ts';

/** Where the sandbox listens (0: any free port), and the accounts that its APIs take. */
export interface SandboxOptions {
  smtpPort: number;
  httpPort: number;
  /** Where mail to return paths gets to; without it nothing is reported of mails. */
  bouncePort?: number | undefined;
  accountSid: string;
  authToken: string;
  /** The client that Google's stand-in takes; one with secrets that nobody knows when not given. */
  google?: GoogleClient | undefined;
}

/** Local stand-ins for the providers. They speak the real protocols; nothing leaves this machine. */
export interface Sandbox extends Switches {
  readonly smtpPort: number;
  readonly httpPort: number;
  readonly mailbox: Mailbox;
  /** What Google's stand-in has given out. */
  readonly google: GoogleAccount;
  /** Cuts every connection and ends both servers. */
  stop(): Promise<void>;
}

/** Starts the mail server and the HTTP server on loopback. @throws when a port is taken; then none of them runs. */
export async function startSandbox(options: SandboxOptions): Promise<Sandbox> {
  // Each open page and each waiting test listens.
  const mailbox = new Mailbox().setMaxListeners(0);
  const switches: Switches = {
    smtpFault: undefined,
    smsFault: undefined,
    gmailFault: undefined,
    tokenFault: undefined,
    tokenSeconds: undefined,
    beforeAnswer: undefined,
  };
  const google = new GoogleAccount(options.google ?? unknownClient());
  const smtp = await startSmtpSandbox(options, mailbox, switches);
  const callbacks = new StatusCallbacks(options);
  const http = await startHttpSandbox({ ...options, google, mailbox, switches, callbacks }).catch(
    async (thrown: unknown) => {
      await smtp.stop();
      throw thrown;
    },
  );
  let stopped: Promise<void> | undefined;
  return Object.assign(switches, {
    smtpPort: smtp.port,
    httpPort: (http.address() as AddressInfo).port,
    mailbox,
    google,
    stop: () => {
      stopped ??= stopAll();
      return stopped;
    },
  });

  async function stopAll(): Promise<void> {
    callbacks.stop();
    http.close();
    http.closeAllConnections();
    await smtp.stop();
  }
}

function unknownClient(): GoogleClient {
  const secret = (): string => randomBytes(24).toString('base64url');
  return { clientId: secret(), clientSecret: secret(), refreshToken: secret() };
}
