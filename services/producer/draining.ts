import type { ServerResponse } from 'node:http';
import type { RequestHandler } from 'express';
import { pause } from '../../shared/runtime/backoff.ts';
import type { CheckResult } from '../../shared/runtime/health.ts';

/**
 * How a producer goes without a reset connection: first it says so (503 on /readyz, `Connection: close` on every answer) and serves on,
 * so that load balancers and kept-alive clients look elsewhere; only then does it stop listening.
 */
export class Draining {
  #begun = false;

  /** Says so, and resolves after `noticeMs`. */
  async announce(noticeMs: number): Promise<void> {
    this.#begun = true;
    await pause(noticeMs);
  }

  /** Fails once it has begun. */
  check(): CheckResult {
    return this.#begun ? { ok: false, detail: 'draining: use another producer' } : { ok: true };
  }

  /** Tells each client that its connection is not kept. */
  get middleware(): RequestHandler {
    return (_request, response, next) => {
      this.tell(response);
      next();
    };
  }

  /** Tells one client, if it has begun. */
  tell(response: ServerResponse): void {
    if (this.#begun) response.setHeader('connection', 'close');
  }
}
