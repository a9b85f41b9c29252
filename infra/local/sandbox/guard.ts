import type { RequestHandler } from 'express';

const LOOPBACK_HOST = /^(localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d+)?$/i;

/** Refuses a `Host` that is not loopback: another name that resolves here is DNS rebinding. */
export const guardHost: RequestHandler = (request, response, next) => {
  if (LOOPBACK_HOST.test(request.headers.host ?? '')) next();
  else response.status(403).type('text').send('Open the sandbox by localhost or 127.0.0.1.\n');
};

/**
 * Refuses other sites: they may link here, but neither change nor read anything. A request without `Origin` and `Sec-Fetch-Site` comes
 * from a program on this machine, such as a test; browsers send one of them with whatever changes something.
 */
export const guardOrigin: RequestHandler = (request, response, next) => {
  const { origin, host = '' } = request.headers;
  const site = request.headers['sec-fetch-site'];
  const changes = !['GET', 'HEAD'].includes(request.method);
  const isForeign =
    (origin !== undefined && origin !== `http://${host}`) ||
    (changes && site !== undefined && site !== 'same-origin');
  if (!isForeign) next();
  else response.status(403).type('text').send('This request came from another site.\n');
};
