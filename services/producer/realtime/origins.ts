import type { IncomingMessage } from 'node:http';
import type { RequestHandler } from 'express';
import type { Config } from '../../../shared/runtime/config.ts';

/** What a script of another origin may send beyond what every page may: its token, JSON, and where it stands. */
const MAY_SEND = 'authorization, content-type, idempotency-key, last-event-id';
/** What it may read of an answer beyond the body. */
const MAY_READ = 'location, idempotency-replayed, retry-after';
/** How long a browser remembers that, in seconds. */
const REMEMBER_SECONDS = 600;

/** The origins of ALLOWED_ORIGINS. */
export function allowedOrigins({ ALLOWED_ORIGINS }: Pick<Config, 'ALLOWED_ORIGINS'>): readonly string[] {
  return ALLOWED_ORIGINS?.split(',') ?? [];
}

/**
 * Lets pages of ALLOWED_ORIGINS call an address from a browser (CORS). Cookies are never asked for: whoever calls brings a key or token.
 */
export function allowOrigins(config: Pick<Config, 'ALLOWED_ORIGINS'>): RequestHandler {
  const allowed = allowedOrigins(config);
  return function allowOrigin({ method, headers: { origin } }, response, next) {
    response.vary('origin');
    if (origin === undefined || !allowed.includes(origin)) {
      next();
      return;
    }
    response.set({ 'access-control-allow-origin': origin, 'access-control-expose-headers': MAY_READ });
    if (method === 'OPTIONS') answerPreflight(response);
    else next();
  };
}

function answerPreflight(response: Parameters<RequestHandler>[1]): void {
  response.set({
    'access-control-allow-methods': 'GET, POST',
    'access-control-allow-headers': MAY_SEND,
    'access-control-max-age': String(REMEMBER_SECONDS),
  });
  response.status(204).end();
}

/** Whether a connection is opened by no browser, by a page of ours, or by one of ALLOWED_ORIGINS. */
export function isFromAllowedOrigin(
  { headers: { origin, host = '' } }: IncomingMessage,
  config: Pick<Config, 'ALLOWED_ORIGINS' | 'PUBLIC_URL'>,
): boolean {
  if (origin === undefined || origin === `http://${host}`) return true;
  const { PUBLIC_URL } = config;
  return (
    allowedOrigins(config).includes(origin) ||
    (PUBLIC_URL !== undefined && origin === new URL(PUBLIC_URL).origin)
  );
}
