import type { ServerResponse } from 'node:http';
import { SECOND } from '../../../shared/runtime/duration.ts';

/** Keeps proxies from cutting a quiet stream; milliseconds. */
export const HEARTBEAT_MS = 15 * SECOND;
/** A comment, which clients pass over. */
export const HEARTBEAT = ': still here\n\n';
/** How long a client waits before it connects again, in milliseconds. */
const RECONNECT_MS = 2 * SECOND;

/** Begins an answer of server-sent events. */
export function beginEventStream(response: ServerResponse): void {
  response.writeHead(200, {
    'content-type': 'text/event-stream',
    // no-transform: a proxy that compresses would keep events back until its block is full (RFC 9111 §5.2.2.6).
    'cache-control': 'no-store, no-transform',
    // nginx would keep events back until it has a few kilobytes.
    'x-accel-buffering': 'no',
  });
  response.write(`retry: ${RECONNECT_MS}\n`);
}
