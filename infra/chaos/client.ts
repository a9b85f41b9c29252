import { Agent, request as httpRequest } from 'node:http';
import { pause } from '../../shared/runtime/backoff.ts';
import { SECOND } from '../../shared/runtime/duration.ts';
import { codeOf } from '../../shared/runtime/errors.ts';
import { API_KEY } from './fleet/chaos-fleet.ts';

/** A request that has no answer after so long is given up, in milliseconds: longer than the 3 s that the API promises. */
const ANSWER_WITHIN_MS = 10 * SECOND;
/** How often the client asks a producer whether it is to be used, in milliseconds. */
const PROBE_EVERY_MS = 200;

/** What a request came to; `lost`: nobody knows whether it arrived. */
export type Reply = { status: number; json: unknown } | { status: 'lost' | 'refused' };

/**
 * Calls the producers as a load balancer does: those that say that they are ready, in turn. Connections are kept alive. It notes resets,
 * hangs, and the slowest answer.
 */
export class Client {
  /** Answers that this load must never get, in words. */
  readonly oddAnswers: string[] = [];
  /** Answers of 503. */
  refused = 0;
  /** Connections to a producer that had said it was ready, reset under a request. */
  resets = 0;
  /** Requests that had no answer at all within 10 s: a hang. */
  unanswered: string[] = [];
  /** The slowest answer, in milliseconds. */
  slowestMs = 0;
  readonly #addresses: readonly string[];
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 64 });
  /** Probes have connections of their own, as those of load balancers do: they do not wait behind requests. */
  readonly #probeAgent = new Agent({ keepAlive: true });
  readonly #ready = new Set<string>();
  readonly #probed = new Set<string>();
  readonly #probing: NodeJS.Timeout;
  #turn = 0;

  constructor(addresses: readonly string[]) {
    this.#addresses = addresses;
    for (const address of addresses) this.#ready.add(address);
    this.#probing = setInterval(() => void this.#probeAll(), PROBE_EVERY_MS);
  }

  /** Posts JSON to whoever is ready. Never throws. */
  post(path: string, body: object, headers: Record<string, string> = {}): Promise<Reply> {
    return this.#send('POST', path, JSON.stringify(body), headers);
  }

  /** Gets JSON. Never throws. */
  get(path: string): Promise<Reply> {
    return this.#send('GET', path);
  }

  /** Closes its connections. */
  stop(): void {
    clearInterval(this.#probing);
    this.#agent.destroy();
    this.#probeAgent.destroy();
  }

  async #send(
    method: string,
    path: string,
    body?: string,
    headers: Record<string, string> = {},
  ): Promise<Reply> {
    const address = this.#next();
    const wasReady = this.#ready.has(address);
    const startedAt = Date.now();
    let status: Reply['status'] = 'lost';
    try {
      const reply = await call(new URL(path, address), this.#agent, { method, body, headers });
      status = reply.status;
      this.#judge(`${method} ${path}`, reply);
      return reply;
    } catch (thrown) {
      const code = codeOf(thrown);
      if (wasReady && (code === 'ECONNRESET' || code === 'EPIPE')) this.resets += 1;
      // Nobody listened: certainly not arrived. Such a one is out until it is ready again.
      if (code === 'ECONNREFUSED') this.#ready.delete(address);
      return { status: code === 'ECONNREFUSED' ? 'refused' : 'lost' };
    } finally {
      const ms = Date.now() - startedAt;
      if (ms >= ANSWER_WITHIN_MS && status === 'lost') this.unanswered.push(`${method} ${path}`);
      if (status !== 'lost') this.slowestMs = Math.max(this.slowestMs, ms);
    }
  }

  /** Everything that is asked for is well-formed, so that only these can be: taken, too late to cancel, or MongoDB away. */
  #judge(what: string, { status, json }: { status: number; json: unknown }): void {
    if (status === 503) this.refused += 1;
    else if (![200, 202, 409].includes(status)) this.oddAnswers.push(`${what} was answered ${status}`);
    const { rejected } = (json ?? {}) as { rejected?: unknown[] };
    if (rejected && rejected.length > 0) this.oddAnswers.push(`${what} rejected ${rejected.length} items`);
  }

  #next(): string {
    const candidates = this.#ready.size > 0 ? [...this.#ready] : this.#addresses;
    this.#turn += 1;
    return candidates[this.#turn % candidates.length] ?? '';
  }

  async #probeAll(): Promise<void> {
    await Promise.all(
      this.#addresses.map(async (address) => {
        // One at a time: an answer from before it began to drain must not come after the one that says so.
        if (this.#probed.has(address)) return;
        this.#probed.add(address);
        const answer = await call(new URL('/readyz', address), this.#probeAgent, { method: 'GET' }).catch(
          () => undefined,
        );
        this.#probed.delete(address);
        if (answer?.status === 200) this.#ready.add(address);
        else this.#ready.delete(address);
      }),
    );
  }
}

function call(
  url: URL,
  agent: Agent,
  options: { method: string; body?: string | undefined; headers?: Record<string, string> },
): Promise<{ status: number; json: unknown }> {
  const { method, body, headers } = options;
  return new Promise((resolve, reject) => {
    const request = httpRequest(url, {
      method,
      agent,
      headers: {
        authorization: `Bearer ${API_KEY}`,
        ...(body !== undefined && {
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(body),
        }),
        ...headers,
      },
      timeout: ANSWER_WITHIN_MS,
    });
    request.once('timeout', () => request.destroy(new Error('no answer in time')));
    request.once('error', reject);
    request.once('response', (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (piece: string) => (text += piece));
      response.once('error', reject).once('end', () => {
        resolve({
          status: response.statusCode ?? 0,
          json: text.startsWith('{') ? JSON.parse(text) : undefined,
        });
      });
    });
    request.end(body);
  });
}

/** Waits between two tries of one request. */
export function beforeTryingAgain(): Promise<void> {
  return pause(SECOND / 2);
}
