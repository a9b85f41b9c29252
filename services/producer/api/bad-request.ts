import type { Duplex } from 'node:stream';
import { STATUS_CODES } from 'node:http';
import { codeOf } from '../../../shared/runtime/errors.ts';

/** What Node refuses before it is a request: its error's code, and the status that says so. */
const STATUS_OF: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
};

/** Answers what is no HTTP request, or does not come to its end in time, as problem+json; the connection ends. */
export function answerBadRequest(error: Error, socket: Duplex): void {
  // Who hung up hears nothing; and in the middle of an answer, another one would be taken for a part of it.
  if (!socket.writable || codeOf(error) === 'ECONNRESET' || hasAnswerBegun(socket)) {
    socket.destroy();
    return;
  }
  const status = STATUS_OF[codeOf(error) ?? ''] ?? 400;
  const title = STATUS_CODES[status] ?? '';
  const body = JSON.stringify({ type: 'about:blank', title, status, code: 'bad_request' });
  const head = [
    `HTTP/1.1 ${status} ${title}`,
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
