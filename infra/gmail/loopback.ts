import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SECOND } from '../../shared/runtime/duration.ts';
import { codeOf, toError } from '../../shared/runtime/errors.ts';
import { withDeadline } from '../../shared/runtime/deadline.ts';
import { ConnectError } from './errors.ts';

/** Waits on this machine for the browser that comes back from Google (RFC 8252 §7.3). */
export interface Listener {
  redirectUri: string;
  /** The code that Google gave. @throws ConnectError when it was refused, or nobody came in time. */
  answer(withinMs: number): Promise<string>;
  close(): Promise<void>;
}

/** Listens on 127.0.0.1; port 0 takes any free one. What comes without our state is turned away, and waited on. @throws ConnectError when the port is taken. */
export async function listenForAnswer(port: number, state: string): Promise<Listener> {
  const { promise, resolve, reject } = withResolvers<string>();
  // It may be refused before somebody waits for it.
  promise.catch(() => undefined);
  const server = createServer((request, response) => {
    const given = new URL(request.url ?? '/', 'http://127.0.0.1').searchParams;
    const error = given.get('error');
    const code = given.get('code');
    if (request.method !== 'GET' || !isOurs(request) || (error ?? code) === null) {
      answer(response, 404, 'Nothing is here.');
    } else if (given.get('state') !== state) {
      answer(
        response,
        400,
        'This answer belongs to another question. Open the address that npm run gmail:connect printed last.',
      );
    } else if (error !== null) {
      answer(response, 200, 'Google did not agree. You can close this window.');
      reject(refusal(error));
    } else if (code !== null) {
      answer(response, 200, 'Google agrees. You can close this window.');
      resolve(code);
    }
  });
  await listen(server, port);
  const redirectUri = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  return {
    redirectUri,
    answer: (withinMs) => withDeadline(promise, withinMs, () => tooLate(withinMs)),
    close: () =>
      new Promise((done) => {
        server.close(() => {
          done();
        });
        server.closeIdleConnections();
      }),
  };
}

/** Another name that leads here is DNS rebinding. */
function isOurs({ headers, socket }: IncomingMessage): boolean {
  return headers.host === `127.0.0.1:${socket.localPort ?? 0}`;
}

function answer(response: ServerResponse, status: number, words: string): void {
  response.writeHead(status, {
    'content-type': 'text/plain; charset=utf-8',
    'cache-control': 'no-store',
    // The address has the code in it.
    'referrer-policy': 'no-referrer',
    connection: 'close',
  });
  response.end(`${words}\n`);
}

function refusal(error: string): ConnectError {
  const shown = error.replace(/[^\w-]/g, '').slice(0, 100);
  return new ConnectError(
    shown === 'access_denied'
      ? 'Consent was refused: somebody chose not to allow it, or the mailbox is none of the test users of the OAuth client. Run it once more, and agree.'
      : `Google refused: ${shown}. docs/gmail.md has what can be behind it.`,
  );
}

function tooLate(withinMs: number): ConnectError {
  return new ConnectError(
    `Nobody came back from Google within ${withinMs / SECOND} s. Run it once more; the browser must be on this machine (elsewhere: ssh -L, see docs/gmail.md).`,
  );
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (thrown) => {
      const why =
        codeOf(thrown) === 'EADDRINUSE'
          ? 'is taken by another program; leave --port out to take any free one'
          : toError(thrown).message;
      reject(new ConnectError(`Port ${port} of 127.0.0.1: ${why}.`));
    });
    server.listen(port, '127.0.0.1', resolve);
  });
}

/** `Promise.withResolvers` comes with Node 22. */
function withResolvers<T>(): {
  promise: Promise<T>;
  resolve: (value: T) => void;
  reject: (why: Error) => void;
} {
  let settle: Pick<ReturnType<typeof withResolvers<T>>, 'resolve' | 'reject'> | undefined;
  const promise = new Promise<T>((resolve, reject) => {
    settle = { resolve, reject };
  });
  if (!settle) throw new Error('a promise calls its executor at once');
  return { promise, ...settle };
}
