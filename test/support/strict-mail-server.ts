import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { SMTPServer } from 'smtp-server';

/** Octets of a line without its CRLF at most (RFC 5322 §2.1.1). */
const MAX_LINE = 998;

/** A mail server that takes nothing but what RFC 5321 demands of every server: no 8BITMIME, no SMTPUTF8, no long or unended lines. */
export interface StrictMailServer {
  url: string;
  /** The mails that it took, byte by byte. */
  mails: Buffer[];
  stop: () => Promise<void>;
}

/** Starts one on a free port of this machine. */
export async function startStrictMailServer(): Promise<StrictMailServer> {
  const mails: Buffer[] = [];
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['AUTH', 'STARTTLS'],
    hide8BITMIME: true,
    hideSMTPUTF8: true,
    onMailFrom: ({ address }, _session, done) => {
      done(refusalOfAddress(address));
    },
    onRcptTo: ({ address }, _session, done) => {
      done(refusalOfAddress(address));
    },
    onData: (stream, _session, done) => {
      void buffer(stream).then((bytes) => {
        const refusal = refusalOf(bytes);
        if (refusal === undefined) mails.push(bytes);
        done(refusal === undefined ? null : answer(550, refusal));
      }, done);
    },
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `smtp://127.0.0.1:${(server.server.address() as AddressInfo).port}`,
    mails,
    stop: () =>
      new Promise((resolve) => {
        server.close(resolve);
      }),
  };
}

/** Why a mail is refused; undefined where it is not. */
function refusalOf(bytes: Buffer): string | undefined {
  const text = bytes.toString('latin1');
  if (/[\0\u0080-\u00ff]/.test(text)) return '5.6.3 an octet is not of 7 bits';
  if (/\r(?!\n)|(?<!\r)\n/.test(text)) return '5.6.0 a CR or LF stands alone';
  const longest = Math.max(...text.split('\r\n').map((line) => line.length));
  return longest > MAX_LINE ? `5.6.0 a line has ${longest} octets; at most ${MAX_LINE}` : undefined;
}

/** Of the part before the @; behind it the server has decoded what came as A-labels. */
function refusalOfAddress(address: string): Error | null {
  return /^[\x21-\x7e]+@/.test(address) ? null : answer(553, '5.6.7 an address is not ASCII');
}

function answer(responseCode: number, message: string): Error {
  return Object.assign(new Error(message), { responseCode });
}
