import type { IncomingMessage } from 'node:http';
import type { RequestHandler } from 'express';
import type { Gate } from '../access/gate.ts';

/** Lets requests in that come with a key or token, before anything of them is read. */
export function requireIdentity(gate: Gate): RequestHandler {
  return async function admit(request, response, next) {
    const begunAt = performance.now();
    const identity = await gate.admit(request, response);
    const said = saidBytes(request);
    await gate.countBytes(identity, said, response);
    // What is packed, or of unknown length, is larger than the head has said.
    const charge = (bytes: number) => gate.countBytes(identity, Math.max(0, bytes - said), response);
    Object.assign(response.locals, { identity, charge, spentMs: performance.now() - begunAt });
    next();
  };
}

/** Counts the rest of a body that has come, beyond what its head said. @throws Problem over the limit. */
export type Charge = (bytes: number) => Promise<void>;

/** The bytes of the body, as the head says; 0 where it does not. */
export function saidBytes({ headers }: Pick<IncomingMessage, 'headers'>): number {
  return Number(headers['content-length'] ?? 0) || 0;
}

/** Lets anybody in, but not too often from one address. */
export function countAddress(gate: Gate): RequestHandler {
  return async function countRequest(request, response, next) {
    await gate.countAddress(request, response);
    next();
  };
}
