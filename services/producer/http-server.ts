import { createServer, type ServerOptions } from 'node:http';
import type { AddressInfo } from 'node:net';
import { closing } from '../../shared/runtime/closing.ts';
import { SECOND } from '../../shared/runtime/duration.ts';
import { answerBadRequest } from './api/bad-request.ts';
import { createApp } from './app.ts';
import type { ProducerContext } from './context.ts';

/**
 * How long an idle connection is kept, in milliseconds: longer than the 60 s after which load balancers drop theirs. Whoever drops first must
 * not be us, or a request that is on its way just then is reset.
 */
const KEEP_ALIVE_MS = 65 * SECOND;
/** How long a client may take for the head of a request, in milliseconds: who drips it byte by byte holds a connection no longer. */
const HEADERS_TIMEOUT_MS = 10 * SECOND;
/** Bytes of all header fields together: Node's own default, said here so that it cannot change behind us. */
const MAX_HEADER_BYTES = 16 * 1024;

/** The HTTP server of a producer. */
export interface HttpServer {
  port: number;
  /** Takes no more requests, and resolves when those under way have their answers. */
  stop: () => Promise<void>;
}

/** Serves API and pages, and the streams of task updates. @throws an error of the system when the port is taken. */
export function listen(context: ProducerContext): Promise<HttpServer> {
  const { HOST, PORT } = context.config;
  return new Promise((resolve, reject) => {
    const server = createServer(limitsOf(context.config), createApp(context));
    const stop = closing(server);
    server.on('clientError', answerBadRequest);
    context.tasks.attach(server);
    server.once('error', reject).listen(PORT, HOST, () => {
      resolve({ port: (server.address() as AddressInfo).port, stop });
    });
  });
}

/** What a client may take of us before it has sent a whole request. */
function limitsOf({ REQUEST_TIMEOUT_SECONDS }: ProducerContext['config']): ServerOptions {
  const requestTimeout = REQUEST_TIMEOUT_SECONDS * SECOND;
  return {
    keepAliveTimeout: KEEP_ALIVE_MS,
    requestTimeout,
    headersTimeout: Math.min(HEADERS_TIMEOUT_MS, requestTimeout),
    connectionsCheckingInterval: SECOND,
    maxHeaderSize: MAX_HEADER_BYTES,
  };
}
