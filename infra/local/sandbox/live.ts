import type { Request, RequestHandler, Response } from 'express';
import { SECOND } from '../../../shared/runtime/duration.ts';
import type { Mailbox } from './mailbox.ts';

/** Keeps connections open through whatever closes silent ones. */
const HEARTBEAT_MS = 15 * SECOND;

/** A stream of server-sent events that tells open pages that something arrived; they fetch the list again. */
export function liveStream(mailbox: Mailbox): RequestHandler {
  return function streamChanges(_request: Request, response: Response) {
    response.writeHead(200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-store, no-transform',
      'x-accel-buffering': 'no',
    });
    response.write('retry: 2000\n\n');
    const tell = (): void => {
      response.write('event: changed\ndata: \n\n');
    };
    const heartbeat = setInterval(() => response.write(':\n\n'), HEARTBEAT_MS).unref();
    mailbox.on('arrived', tell).on('cleared', tell);
    response.once('close', () => {
      clearInterval(heartbeat);
      mailbox.off('arrived', tell).off('cleared', tell);
    });
  };
}
