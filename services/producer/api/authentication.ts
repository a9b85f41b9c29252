import type { RequestHandler } from 'express';
import type { Gate } from '../access/gate.ts';

/** Lets requests in that come with a key or token, before anything of them is read. */
export function requireIdentity(gate: Gate): RequestHandler {
  return async function admit(request, response, next) {
    response.locals.identity = await gate.admit(request, response);
    next();
  };
}

/** Lets anybody in, but not too often from one address. */
export function countAddress(gate: Gate): RequestHandler {
  return async function countRequest(request, response, next) {
    await gate.countAddress(request, response);
    next();
  };
}
