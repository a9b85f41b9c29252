import type { AddressInfo } from 'node:net';
import { Mailbox } from './mailbox.ts';
import { startHttpSandbox } from './http-sandbox.ts';
import type { Switches } from './faults.ts';
import { StatusCallbacks } from './status-callbacks.ts';
import { startSmtpSandbox } from './smtp-sandbox.ts';

/** Where the sandbox listens (0: any free port), and the account that its SMS API takes. */
export interface SandboxOptions {
  smtpPort: number;
  httpPort: number;
  /** Where mail to return paths gets to; without it nothing is reported of mails. */
  bouncePort?: number | undefined;
  accountSid: string;
  authToken: string;
}

/** Local stand-ins for the providers. They speak the real protocols; nothing leaves this machine. */
export interface Sandbox extends Switches {
  readonly smtpPort: number;
  readonly httpPort: number;
  readonly mailbox: Mailbox;
  /** Cuts every connection and ends both servers. */
  stop(): Promise<void>;
}

/** Starts the mail server and the HTTP server on loopback. @throws when a port is taken; then none of them runs. */
export async function startSandbox(options: SandboxOptions): Promise<Sandbox> {
  // Each open page and each waiting test listens.
  const mailbox = new Mailbox().setMaxListeners(0);
  const switches: Switches = { smtpFault: undefined, smsFault: undefined, beforeAnswer: undefined };
  const smtp = await startSmtpSandbox(options, mailbox, switches);
  const callbacks = new StatusCallbacks(options);
  const http = await startHttpSandbox({ ...options, mailbox, switches, callbacks }).catch(
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
