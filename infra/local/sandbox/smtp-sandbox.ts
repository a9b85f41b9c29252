import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import type { AddressInfo, Socket } from 'node:net';
import { SMTPServer, type SMTPServerSession } from 'smtp-server';
import { pause } from '../../../shared/runtime/backoff.ts';
import { newId } from '../../../shared/runtime/ids.ts';
import { CountedFaults } from './counted-faults.ts';
import { magicOf, type MagicMailbox } from './magic-recipients.ts';
import type { Mailbox } from './mailbox.ts';

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
  const faults = new CountedFaults();
  const sockets = new OpenSockets();
  const sandbox: SmtpSandbox = { port, fault: undefined, stop: () => closed(server) };
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['AUTH', 'STARTTLS'],
    disableReverseLookup: true,
    size: MAX_MAIL_BYTES,
    closeTimeout: 500,
    // Our answers carry their own enhanced codes; the library would put one more before them.
    hideENHANCEDSTATUSCODES: true,
    onRcptTo: (address, _session, done) => {
      const refusal = sandbox.fault ?? magicOf(address.address)?.refuse;
      done(refusal?.at === 'rcpt' ? replyError(refusal) : null);
    },
    onData: (stream, session, done) => {
      void receive(stream, session, { sandbox, mailbox, faults, sockets }).then((answer) => {
        if (answer === 'accepted') done();
        else if (answer !== 'silence') done(answer);
      });
    },
  });
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

interface Desk {
  sandbox: SmtpSandbox;
  mailbox: Mailbox;
  faults: CountedFaults;
  sockets: OpenSockets;
}

/** Reads a mail and decides what to answer. */
async function receive(
  stream: Readable,
  session: SMTPServerSession,
  { sandbox, mailbox, faults, sockets }: Desk,
): Promise<'accepted' | 'silence' | Error> {
  const raw = await buffer(stream);
  const to = session.envelope.rcptTo.map(({ address }) => address);
  if (sandbox.fault?.at === 'data') return replyError(sandbox.fault);
  const magic = to.map(magicOf).find((one) => one !== undefined);
  const key = `${to.join()} ${messageIdOf(raw)}`;
  if (magic && faults.isDue(key, magic.times)) {
    const answer = await misbehave(magic, session, sockets);
    if (answer) return answer;
  }
  const from = session.envelope.mailFrom === false ? '' : session.envelope.mailFrom.address;
  mailbox.add({ kind: 'mail', id: newId(), received_at: new Date(), envelope: { from, to }, raw });
  return 'accepted';
}

async function misbehave(
  magic: MagicMailbox,
  session: SMTPServerSession,
  sockets: OpenSockets,
): Promise<'silence' | Error | undefined> {
  if (magic.delayMs !== undefined) await pause(magic.delayMs);
  if (magic.hang) return 'silence';
  if (magic.drop) {
    sockets.cut(session);
    return 'silence';
  }
  return magic.refuse?.at === 'data' ? replyError(magic.refuse) : undefined;
}

/** The open sockets by the port of the other end, which sessions know; smtp-server itself offers no way to cut one. */
class OpenSockets {
  readonly #sockets = new Map<number, Socket>();

  remember(socket: Socket): void {
    const port = socket.remotePort ?? 0;
    this.#sockets.set(port, socket);
    socket.once('close', () => this.#sockets.delete(port));
  }

  cut(session: SMTPServerSession): void {
    this.#sockets.get(session.remotePort)?.destroy();
  }
}

function messageIdOf(raw: Buffer): string {
  return /^message-id:\s*(\S+)/im.exec(raw.toString('latin1'))?.[1] ?? '';
}

function replyError({ code, message }: { code: number; message: string }): Error {
  return Object.assign(new Error(message), { responseCode: code });
}

function closed(server: SMTPServer): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => {
      resolve();
    });
  });
}
