import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { PROBLEMS, type ProblemCode } from '../../../shared/contracts/index.ts';
import { codeOf } from '../../../shared/runtime/errors.ts';
import { problemBody } from './problem.ts';

/** What Node refuses before it is a request, by its error's code. All else is no HTTP. */
const PROBLEM_OF: Readonly<Record<string, ProblemCode>> = {
  HPE_HEADER_OVERFLOW: 'headers_too_large',
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 'body_too_large',
  ERR_HTTP_REQUEST_TIMEOUT: 'request_timeout',
};

/** Answers what is no HTTP request, or does not come to its end in time, as problem+json; the connection ends. */
export function answerBadRequest(error: Error, socket: Duplex): void {
  // Who hung up hears nothing; and in the middle of an answer, another one would be taken for a part of it.
  if (!socket.writable || codeOf(error) === 'ECONNRESET' || hasAnswerBegun(socket)) {
    socket.destroy();
    return;
  }
  const code = PROBLEM_OF[codeOf(error) ?? ''] ?? 'bad_request';
  const { status } = PROBLEMS[code];
  const body = JSON.stringify(problemBody(code));
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
    'Content-Type: application/problem+json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}

/** Node's own handler looks at the same field. */
function hasAnswerBegun(socket: Duplex & { _httpMessage?: { headersSent?: boolean } | null }): boolean {
  return socket._httpMessage?.headersSent === true;
}
