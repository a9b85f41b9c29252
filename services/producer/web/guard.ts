import type { Request, RequestHandler } from 'express';
import type { Config } from '../../../shared/runtime/config.ts';
import { isLoopback } from '../../../shared/runtime/loopback.ts';
import { Problem } from '../api/problem.ts';

const LOOPBACK_HOST = /^(localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d+)?$/i;

/**
 * Guards the pages before anybody is asked who they are: they are served under PUBLIC_URL, or on a loopback address to a `Host` that is
 * loopback too (another name that resolves here is DNS rebinding); and what changes something must come from a page of ours (or it is a
 * cross-site post).
 */
export function guardPages({ HOST, PUBLIC_URL }: Pick<Config, 'HOST' | 'PUBLIC_URL'>): RequestHandler {
  const published = PUBLIC_URL === undefined ? undefined : new URL(PUBLIC_URL);
  return function guardPage(request, _response, next) {
    const host = request.headers.host ?? '';
    const isOurs = host === published?.host || (isLoopback(HOST) && LOOPBACK_HOST.test(host));
    if (!isOurs) throw new Problem('forbidden', { detail: wayIn(HOST, published) });
    if (!['GET', 'HEAD'].includes(request.method) && !isSameOrigin(request, published))
      throw new Problem('forbidden', {
        detail:
          'This form was sent from another site, or without saying from where (Origin, or Sec-Fetch-Site).',
      });
    next();
  };
}

/** The origin under which a guarded request came: where a link to ourselves begins. */
export function originOf(request: Request, { PUBLIC_URL }: Pick<Config, 'PUBLIC_URL'>): string {
  return PUBLIC_URL === undefined ? `http://${request.headers.host ?? ''}` : new URL(PUBLIC_URL).origin;
}

function wayIn(listenHost: string, published: URL | undefined): string {
  if (published) return `Open the pages under ${published.origin}.`;
  if (isLoopback(listenHost)) return 'Open the pages by localhost or 127.0.0.1, or set PUBLIC_URL.';
  return `The pages are off while HOST is ${listenHost} and PUBLIC_URL is not set; use the API.`;
}

/** Browsers say where a request comes from, and pages cannot forge it; an older one says it in Origin only. */
function isSameOrigin({ headers }: Request, published: URL | undefined): boolean {
  const site = headers['sec-fetch-site'];
  if (site !== undefined) return site === 'same-origin';
  return (
    headers.origin === `http://${headers.host ?? ''}` ||
    (published && headers.origin === published.origin) === true
  );
}
