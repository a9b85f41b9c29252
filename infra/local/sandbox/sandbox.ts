import type { AddressInfo } from 'node:net';
import { Mailbox } from './mailbox.ts';
import { startHttpSandbox } from './http-sandbox.ts';
import type { SmtpFault } from './receive-mail.ts';
import { startSmtpSandbox } from './smtp-sandbox.ts';
import type { SmsFault } from './twilio-sandbox.ts';

/** Where the sandbox listens (0: any free port), and the account that its SMS API takes. */
export interface SandboxOptions {
  smtpPort: number;
  httpPort: number;
  accountSid: string;
  authToken: string;
}

/** Local stand-ins for the providers. They speak the real protocols; nothing leaves this machine. */
export interface Sandbox {
  readonly smtpPort: number;
  readonly httpPort: number;
  readonly mailbox: Mailbox;
  /** The answer that every mail gets, until it is undefined again. */
  smtpFault: SmtpFault | undefined;
  /** The answer that every SMS gets, until it is undefined again. */
  smsFault: SmsFault | undefined;
  /** Cuts every connection and ends both servers. */
  stop(): Promise<void>;
}

/** Starts the mail server and the HTTP server on loopback. @throws when a port is taken; then none of them runs. */
export async function startSandbox(options: SandboxOptions): Promise<Sandbox> {
  // Each open page and each waiting test listens.
  const mailbox = new Mailbox().setMaxListeners(0);
  const smtp = await startSmtpSandbox(options.smtpPort, mailbox);
  const http = await startHttpSandbox({ ...options, mailbox, fault: () => sandbox.smsFault }).catch(
    async (thrown: unknown) => {
      await smtp.stop();
      throw thrown;
    },
  );
  let stopped: Promise<void> | undefined;
  const sandbox: Sandbox = {
    smtpPort: smtp.port,
    httpPort: (http.address() as AddressInfo).port,
    mailbox,
    smsFault: undefined,
    get smtpFault() {
      return smtp.fault;
    },
    set smtpFault(fault) {
      smtp.fault = fault;
    },
    stop: () => {
      stopped ??= stopAll();
      return stopped;
    },
  };
  return sandbox;

  async function stopAll(): Promise<void> {
    http.close();
    http.closeAllConnections();
    await smtp.stop();
  }
}
