import { setMaxListeners } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { SMTPServer } from 'smtp-server';
import { DeliveryReports } from './delivery-reports.ts';
import { CountedFaults } from './counted-faults.ts';
import { meets, type Switches } from './faults.ts';
import { magicOf } from './magic-recipients.ts';
import type { Mailbox } from './mailbox.ts';
import { OpenSockets } from './open-sockets.ts';
import { replyError } from '../../../shared/smtp/incoming.ts';
import { receiveMail, type Desk } from './receive-mail.ts';

/** The mail server of the sandbox. */
export interface SmtpSandbox {
  port: number;
  stop(): Promise<void>;
}

/** Bytes that a mail may have; announced to clients. */
const MAX_MAIL_BYTES = 25 * 1024 * 1024;

/** Starts a mail server on a loopback port that keeps what it accepts, byte by byte. Port 0 takes any free one. */
export async function startSmtpSandbox(
  { smtpPort: port, bouncePort }: { smtpPort: number; bouncePort?: number | undefined },
  mailbox: Mailbox,
  switches: Switches,
): Promise<SmtpSandbox> {
  const stopping = new AbortController();
  // Every mail that is being kept waiting listens.
  setMaxListeners(0, stopping.signal);
  const sockets = new OpenSockets();
  const reports = new DeliveryReports(bouncePort);
  const sandbox: SmtpSandbox = {
    port,
    stop: () => {
      stopping.abort();
      reports.stop();
      return closed(server, sockets);
    },
  };
  const desk: Desk = {
    mailbox,
    sockets,
    reports,
    faults: new CountedFaults(),
    switches,
    stopping: stopping.signal,
  };
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['AUTH', 'STARTTLS'],
    disableReverseLookup: true,
    size: MAX_MAIL_BYTES,
    // Our answers carry their own enhanced codes; the library would put one more before them.
    hideENHANCEDSTATUSCODES: true,
    onRcptTo: (address, _session, done) => {
      // A recipient that is always refused is refused whatever befalls the others.
      const faults = [meets(switches.smtpFault) ? switches.smtpFault : undefined, magicOf(address.address)];
      const refusal = faults.find((fault) => fault?.refuse?.at === 'rcpt')?.refuse;
      done(refusal ? replyError(refusal) : null);
    },
    onData: (stream, session, done) => {
      void receiveMail(stream, session, desk).then((answer) => {
        if (answer === 'accepted') done();
        else if (answer !== 'silence') done(answer);
      });
    },
  });
  // A connection that breaks is its client's trouble, and what the magic recipients are for.
  server.on('error', () => undefined);
  server.server.on('connection', (socket: Socket) => {
    sockets.remember(socket);
  });
  await new Promise<void>((resolve, reject) => {
    server.server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  sandbox.port = (server.server.address() as AddressInfo).port;
  return sandbox;
}

/** Ends at once: whoever hangs here by a magic recipient would hold the server open for good. */
function closed(server: SMTPServer, sockets: OpenSockets): Promise<void> {
  return new Promise((resolve) => {
    server.close(resolve);
    sockets.cutAll();
  });
}
