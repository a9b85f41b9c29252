import type { AddressInfo, Socket } from 'node:net';
import { SMTPServer, type SMTPServerDataStream, type SMTPServerSession } from 'smtp-server';
import { pause } from '../../../shared/runtime/backoff.ts';
import { toError } from '../../../shared/runtime/errors.ts';
import { newId } from '../../../shared/runtime/ids.ts';
import { CountedFaults } from './counted-faults.ts';
import { magicOf, type MagicMailbox } from './magic-recipients.ts';
import type { Mailbox } from './mailbox.ts';
import { OpenSockets } from './open-sockets.ts';
import { messageIdOf, readMail } from './read-mail.ts';

/** An answer that every mail gets, until it is switched off. */
export interface SmtpFault {
  at: 'rcpt' | 'data';
  code: number;
  message: string;
}

/** The mail server of the sandbox. */
export interface SmtpSandbox {
  port: number;
  fault: SmtpFault | undefined;
  stop(): Promise<void>;
}

/** Bytes that a mail may have; announced to clients. */
const MAX_MAIL_BYTES = 25 * 1024 * 1024;

/** Starts a mail server on a loopback port that keeps what it accepts, byte by byte. Port 0 takes any free one. */
export async function startSmtpSandbox(port: number, mailbox: Mailbox): Promise<SmtpSandbox> {
  const stopping = new AbortController();
  const sockets = new OpenSockets();
  const sandbox: SmtpSandbox = {
    port,
    fault: undefined,
    stop: () => {
      stopping.abort();
      return closed(server, sockets);
    },
  };
  const desk: Desk = { sandbox, mailbox, faults: new CountedFaults(), sockets, stopping: stopping.signal };
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['AUTH', 'STARTTLS'],
    disableReverseLookup: true,
    size: MAX_MAIL_BYTES,
    // Our answers carry their own enhanced codes; the library would put one more before them.
    hideENHANCEDSTATUSCODES: true,
    onRcptTo: (address, _session, done) => {
      const refusal = sandbox.fault ?? magicOf(address.address)?.refuse;
      done(refusal?.at === 'rcpt' ? replyError(refusal) : null);
    },
    onData: (stream, session, done) => {
      void receive(stream, session, desk).then((answer) => {
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

/** What the handling of one mail needs. */
interface Desk {
  sandbox: SmtpSandbox;
  mailbox: Mailbox;
  faults: CountedFaults;
  sockets: OpenSockets;
  stopping: AbortSignal;
}

type Answer = 'accepted' | 'silence' | Error;

/** Reads a mail and decides what to answer. */
async function receive(
  stream: SMTPServerDataStream,
  session: SMTPServerSession,
  desk: Desk,
): Promise<Answer> {
  // The session forgets its envelope when the next mail begins.
  const { mailFrom, rcptTo } = session.envelope;
  const envelope = { from: mailFrom === false ? '' : mailFrom.address, to: rcptTo.map((to) => to.address) };
  try {
    const raw = await readMail(stream);
    // Too large: the library answers 552 by itself.
    if (raw === undefined) return 'accepted';
    const fault = desk.sandbox.fault;
    if (fault?.at === 'data') return replyError(fault);
    const magic = dueMagic(envelope.to, messageIdOf(raw), desk.faults);
    const answer = magic && (await misbehave(magic, session, desk));
    if (answer) return answer;
    desk.mailbox.add({ kind: 'mail', id: newId(), received_at: new Date(), envelope, raw, accepted: true });
    return 'accepted';
  } catch (thrown) {
    // The client went away in the middle of the mail: nobody is there to read an answer.
    return toError(thrown);
  }
}

/** The first fault among the recipients that is still to be shown for this mail. */
function dueMagic(to: string[], messageId: string, faults: CountedFaults): MagicMailbox | undefined {
  for (const address of to) {
    const magic = magicOf(address);
    if (magic && faults.isDue(`${address} ${messageId}`, magic.times)) return magic;
  }
  return undefined;
}

async function misbehave(
  magic: MagicMailbox,
  session: SMTPServerSession,
  { sockets, stopping }: Desk,
): Promise<Answer | undefined> {
  if (magic.delayMs !== undefined) await pause(magic.delayMs, stopping);
  // Stopped while it waited: the client must not believe that it was taken, nor that it was refused.
  if (magic.hang || stopping.aborted) return 'silence';
  if (magic.drop) {
    sockets.cut(session.remotePort);
    return 'silence';
  }
  return magic.refuse?.at === 'data' ? replyError(magic.refuse) : undefined;
}

function replyError({ code, message }: { code: number; message: string }): Error {
  return Object.assign(new Error(message), { responseCode: code });
}

/** Ends at once: whoever hangs here by a magic recipient would hold the server open for good. */
function closed(server: SMTPServer, sockets: OpenSockets): Promise<void> {
  return new Promise((resolve) => {
    server.close(resolve);
    sockets.cutAll();
  });
}
