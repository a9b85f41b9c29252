import type { AddressInfo, Socket } from 'node:net';
import { SMTPServer, type SMTPServerDataStream, type SMTPServerSession } from 'smtp-server';
import { MINUTE, SECOND } from '../../../shared/runtime/duration.ts';
import { codeOf, toError } from '../../../shared/runtime/errors.ts';
import type { Logger } from '../../../shared/runtime/logger.ts';
import { readMail, replyError } from '../../../shared/smtp/incoming.ts';
import { MAX_REPORT_BYTES, type Bounces } from './bounces.ts';

/** Connections at once; more are told to come again. */
const MAX_CLIENTS = 50;
/** Recipients of one mail; a report has one. */
const MAX_RECIPIENTS = 10;
/** How long a client may be silent, and how long it may stay at all, in milliseconds. */
const SILENCE_MS = 30 * SECOND;
const SESSION_MS = 2 * MINUTE;
/** What is under way may go on for so long when we stop, in milliseconds; the other side sends it again. */
const CLOSE_MS = 2 * SECOND;

/** A mail server that takes what comes back, and nothing else. */
export interface BounceListener {
  port: number;
  stop(): Promise<void>;
}

/** Starts it. @throws ConfigError when the port is taken. */
export async function startBounceListener(
  { host, port }: { host: string; port: number },
  { bounces, log }: { bounces: Bounces; log: Logger },
): Promise<BounceListener> {
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['AUTH', 'STARTTLS'],
    disableReverseLookup: true,
    hideENHANCEDSTATUSCODES: true,
    banner: 'delivery reports only',
    size: MAX_REPORT_BYTES,
    maxClients: MAX_CLIENTS,
    socketTimeout: SILENCE_MS,
    closeTimeout: CLOSE_MS,
    onRcptTo: ({ address }, session, done) => {
      done(refusalOf(address, session, bounces));
    },
    onData: (stream, session, done) => {
      void take(stream, session, { bounces, log }).then((refusal) => {
        done(refusal);
      });
    },
  });
  // A connection that breaks is its client's trouble.
  server.on('error', (error) => {
    log.debug('a connection with a delivery report broke', { error: toError(error) });
  });
  server.server.on('connection', boundSession);
  await listening(server, { host, port });
  return {
    port: (server.server.address() as AddressInfo).port,
    stop: () =>
      new Promise((resolve) => {
        server.close(resolve);
      }),
  };
}

/** Why a recipient is not taken; null where it is. */
function refusalOf(address: string, { envelope }: SMTPServerSession, bounces: Bounces): Error | null {
  if (envelope.rcptTo.length >= MAX_RECIPIENTS)
    return replyError({ code: 452, message: '4.5.3 too many recipients' });
  if (bounces.isOurs(address)) return null;
  return replyError({ code: 550, message: '5.1.1 no mail of ours has this return path' });
}

/** Takes a mail for each of its recipients; answers why not, or null once all that it changes is in the store. Never rejects. */
async function take(
  stream: SMTPServerDataStream,
  { envelope }: SMTPServerSession,
  { bounces, log }: { bounces: Bounces; log: Logger },
): Promise<Error | null> {
  const recipients = envelope.rcptTo.map(({ address }) => address);
  try {
    const raw = await readMail(stream);
    if (raw === undefined) return replyError({ code: 552, message: '5.3.4 the report is too large' });
    for (const recipient of recipients) await bounces.receive(raw, recipient);
    return null;
  } catch (thrown) {
    log.warn('a delivery report could not be stored; its sender keeps it', { error: toError(thrown) });
    return replyError({ code: 451, message: '4.3.0 try again later' });
  }
}

/** Who drips a byte now and then would otherwise hold a connection for good. */
function boundSession(socket: Socket): void {
  const timer = setTimeout(() => socket.destroy(), SESSION_MS);
  socket.once('close', () => {
    clearTimeout(timer);
  });
}

function listening(server: SMTPServer, { host, port }: { host: string; port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.server.once('error', (error) => {
      const isTaken = codeOf(error) === 'EADDRINUSE';
      reject(isTaken ? new Error(`BOUNCE_PORT: ${port} of ${host} is taken by another program`) : error);
    });
    server.listen(port, host, resolve);
  });
}
