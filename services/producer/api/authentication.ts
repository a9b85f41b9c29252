import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { RequestHandler } from 'express';
import { Problem } from './problem.ts';

/** Lets requests with the bearer key through, before anything of them is read. */
export function requireKey(key: string): RequestHandler {
  const hasKey = keyCheck(key);
  return function checkKey(request, _response, next) {
    if (hasKey(request)) next();
    else
      throw new Problem('unauthorized', {
        detail: 'Send the header "Authorization: Bearer <API key>".',
        headers: { 'www-authenticate': 'Bearer realm="tidings"' },
      });
  };
}

/** Tells whether a request has the key; compares digests, which have one length, in constant time. */
export function keyCheck(key: string): (request: IncomingMessage) => boolean {
  const expected = digest(key);
  return ({ headers }) => {
    const given = /^Bearer +([\x21-\x7e]+) *$/i.exec(headers.authorization ?? '')?.[1];
    return given !== undefined && timingSafeEqual(digest(given), expected);
  };
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
