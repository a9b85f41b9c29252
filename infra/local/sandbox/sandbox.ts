import type { AddressInfo } from 'node:net';
import express from 'express';
import { mailboxPages } from './pages.ts';
import { Mailbox } from './mailbox.ts';
import { startSmtpSandbox, type SmtpFault } from './smtp-sandbox.ts';
import { twilioSandbox, type SmsFault } from './twilio-sandbox.ts';

/** Where the sandbox listens (0: any free port), and the account that its SMS API takes. */
export interface SandboxOptions {
  smtpPort: number;
  httpPort: number;
  accountSid: string;
  authToken: string;
}

/** Local stand-ins for the providers. They speak the real protocols; nothing leaves this machine. */
export interface Sandbox {
  smtpPort: number;
  httpPort: number;
  mailbox: Mailbox;
  /** Makes every mail get this answer, until it is undefined again. */
  setSmtpFault(fault: SmtpFault | undefined): void;
  /** Makes every SMS get this answer, until it is undefined again. */
  setSmsFault(fault: SmsFault | undefined): void;
  stop(): Promise<void>;
}

/** Starts the mail server and the HTTP server on loopback. @throws when a port is taken. */
export async function startSandbox({
  smtpPort,
  httpPort,
  accountSid,
  authToken,
}: SandboxOptions): Promise<Sandbox> {
  const mailbox = new Mailbox().setMaxListeners(0);
  let smsFault: SmsFault | undefined;
  const smtp = await startSmtpSandbox(smtpPort, mailbox);
  const app = express().disable('x-powered-by');
  app.use(twilioSandbox({ accountSid, authToken, mailbox, fault: () => smsFault }));
  app.use(mailboxPages(mailbox));
  const server = app.listen(httpPort, '127.0.0.1');
  await new Promise<void>((resolve, reject) => {
    server.once('listening', resolve).once('error', reject);
  });
  return {
    smtpPort: smtp.port,
    httpPort: (server.address() as AddressInfo).port,
    mailbox,
    setSmtpFault: (fault) => {
      smtp.fault = fault;
    },
    setSmsFault: (fault) => {
      smsFault = fault;
    },
    stop: async () => {
      server.close();
      server.closeAllConnections();
      await smtp.stop();
    },
  };
}
