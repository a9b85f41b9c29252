import type { RequestHandler } from 'express';
import type { Gate } from '../access/gate.ts';

/** Lets requests in that come with a key or token, before anything of them is read. */
export function requireIdentity(gate: Gate): RequestHandler {
  return async function admit(request, response, next) {
    const begunAt = performance.now();
    const identity = await gate.admit(request, response);
    Object.assign(response.locals, { identity, spentMs: performance.now() - begunAt });
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
