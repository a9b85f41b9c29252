import type { Request, RequestHandler } from 'express';
import { Problem } from '../api/problem.ts';

const LOOPBACK_HOST = /^(localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d+)?$/i;

/** Whether an address to listen on is this machine's own. */
export function isLoopback(host: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|::1)$/i.test(host);
}

/**
 * Guards the pages, which have no sign-in yet: they are served on a loopback address only, to a `Host` that is loopback too (another
 * name that resolves here is DNS rebinding), and what changes something must come from a page of ours (or it is a cross-site post).
 */
export function guardPages(listenHost: string): RequestHandler {
  return function guardPage(request, _response, next) {
    if (!isLoopback(listenHost))
      throw new Problem('forbidden', {
        detail: `The pages are off while HOST is ${listenHost}; use the API.`,
      });
    if (!LOOPBACK_HOST.test(request.headers.host ?? ''))
      throw new Problem('forbidden', { detail: 'Open the pages by localhost or 127.0.0.1.' });
    if (!['GET', 'HEAD'].includes(request.method) && !isSameOrigin(request))
      throw new Problem('forbidden', { detail: 'This form was sent from another site.' });
    next();
  };
}

/** Browsers say where a request comes from, and pages cannot forge it; an older one says it in Origin only. */
function isSameOrigin(request: Request): boolean {
  const { origin, host } = request.headers;
  const site = request.headers['sec-fetch-site'];
  return site === undefined ? origin === `http://${host ?? ''}` : site === 'same-origin';
}
