import { createHash, timingSafeEqual } from 'node:crypto';
import type { Request, RequestHandler } from 'express';
import { Problem } from './problem.ts';

/** Lets requests with the bearer key through, before anything of them is read. */
export function requireKey(key: string): RequestHandler {
  const expected = digest(key);
  return function checkKey(request, _response, next) {
    if (hasKey(request, expected)) next();
    else
      throw new Problem('unauthorized', {
        detail: 'Send the header "Authorization: Bearer <API key>".',
        headers: { 'www-authenticate': 'Bearer realm="tidings"' },
      });
  };
}

/** Compares digests, which have one length, in constant time. */
function hasKey(request: Request, expected: Buffer): boolean {
  const given = /^Bearer +([\x21-\x7e]+) *$/i.exec(request.headers.authorization ?? '')?.[1];
  return given !== undefined && timingSafeEqual(digest(given), expected);
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
