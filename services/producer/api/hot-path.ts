import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { MAX_BODY_BYTES } from '../../../shared/contracts/index.ts';
import type { ProducerContext } from '../context.ts';
import { saidBytes } from './authentication.ts';
import { readBody } from './body.ts';
import { authorize, perform, send, type Operation } from './operation.ts';
import { problemOf, writeProblem } from './problem.ts';

type HotContext = Pick<ProducerContext, 'gate' | 'draining' | 'log'>;

/**
 * Serves the calls that hand notifications over without the web framework, whose routing, middleware and answers cost more than the whole
 * of accepting. Only what is plain is served here; all else goes to `otherwise` unread: other addresses, a body that is encoded, chunked, or
 * too large. Both ways share gate, scopes, validation, handler and answers.
 */
export function hotPath(
  context: HotContext,
  operations: readonly Operation[],
  otherwise: RequestListener,
): RequestListener {
  const hot = new Map(operations.filter(({ isHot }) => isHot).map((one) => [one.path, one]));
  return (request, response) => {
    const one = request.method === 'POST' ? hot.get(request.url ?? '') : undefined;
    if (one && isPlain(request, one)) void answer(context, one, request, response);
    else otherwise(request, response);
  };
}

function isPlain({ headers }: IncomingMessage, { maxBodyBytes = MAX_BODY_BYTES }: Operation): boolean {
  const bytes = Number(headers['content-length']);
  return (
    bytes > 0 &&
    bytes <= maxBodyBytes &&
    headers['content-encoding'] === undefined &&
    /^application\/json(?:; ?charset=utf-8)?$/i.test(headers['content-type'] ?? '')
  );
}

async function answer(
  { gate, draining, log }: HotContext,
  one: Operation,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  draining.tell(response);
  try {
    const begunAt = performance.now();
    const identity = await gate.admit(request, response);
    await gate.countBytes(identity, saidBytes(request), response);
    const admittedAt = performance.now();
    authorize(one, identity);
    const bytes = await read(request);
    const readAt = performance.now();
    const body = await readBody(one.takes ?? 'json', bytes);
    // Without the time that the client took to send it.
    const spentMs = admittedAt - begunAt + (performance.now() - readAt);
    const { headers } = request;
    const address = (): string => gate.addressOf(request);
    send(response, await perform(one, { headers, body, identity, address, spentMs }));
  } catch (thrown) {
    // Nobody listens any more.
    if (thrown instanceof ClientGone || response.headersSent) response.destroy();
    else writeProblem(response, problemOf(thrown, log));
  }
}

/** The client hung up in the middle of its body. */
class ClientGone extends Error {}

/** The whole body; its length is known to be allowed. @throws ClientGone */
function read(request: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const pieces: Buffer[] = [];
    request
      .on('data', (piece: Buffer) => pieces.push(piece))
      .once('end', () => {
        resolve(pieces.length === 1 && pieces[0] ? pieces[0] : Buffer.concat(pieces));
      })
      .once('error', () => {
        reject(new ClientGone());
      });
  });
}
