import type { z } from 'zod';
import { pause, reconnectDelay } from '../../../shared/runtime/backoff.ts';
import { SECOND } from '../../../shared/runtime/duration.ts';
import { codeOf, toError } from '../../../shared/runtime/errors.ts';
import { CliError } from '../exit.ts';
import { problemAnswer } from './answers.ts';
import type { Connection } from './connection.ts';

/** What is asked of the API. */
export interface Call {
  method: 'GET' | 'POST' | 'DELETE';
  path: string;
  query?: Record<string, string | number | undefined>;
  body?: unknown;
  /** Sent as Idempotency-Key; with one a POST may come twice. */
  idempotencyKey?: string;
  /** That it may come twice though it is no GET and has no key of its own: each item of a batch has one. */
  isRepeatable?: boolean;
  /** How long one try may take, in milliseconds. The producer itself answers within 3 s but for acts on many. */
  timeoutMs?: number;
}

/** What is said when nobody can know. */
const PERHAPS_DONE = 'It may have been done all the same: look before you repeat it.';
const TIMEOUT_MS = 30 * SECOND;
const LOOK_MS = 3 * SECOND;
/** Answers that may be another one in a moment: too many requests; a proxy without a producer, a producer without its store. */
const PASSING = new Set([429, 502, 503, 504]);

/** What one try led to. `afterMs`: what Retry-After asked for. `isUndone`: it is certain that nothing was done. */
type Try =
  | { outcome: 'answered'; body: unknown }
  | { outcome: 'passing'; error: CliError; isUndone: boolean; afterMs: number | undefined };

/** Whether anything answers at an address, within a moment. Nothing of a key goes there. */
export async function answers(address: string): Promise<boolean> {
  try {
    await fetch(address, { method: 'HEAD', redirect: 'manual', signal: AbortSignal.timeout(LOOK_MS) });
    return true;
  } catch (thrown) {
    // Whoever cuts a connection, or says what nobody understands, is there; all else never came about.
    const code = codeOf(causeOf(thrown)) ?? '';
    return code === 'ECONNRESET' || code === 'UND_ERR_SOCKET' || code.startsWith('HPE_');
  }
}

/** Calls the API, and repeats what may be repeated for a while. */
export class ApiClient {
  readonly connection: Connection;
  readonly #patienceMs: number;
  readonly #say: (words: string) => void;

  /** `patienceMs`: how long one call is repeated before it is given up. `say` hears of the repeating. */
  constructor(connection: Connection, patienceMs: number, say: (words: string) => void) {
    this.connection = connection;
    this.#patienceMs = patienceMs;
    this.#say = say;
  }

  /** Answers what the API answers, all of it. @throws CliError when it refuses or cannot be reached */
  async call<S extends z.ZodType>(schema: S, call: Call): Promise<z.output<S>> {
    const body = await this.#untilAnswered(call);
    // Answered as it came, in its own order: what `--json` prints is what the API says.
    if (schema.safeParse(body).success) return body as z.output<S>;
    throw new CliError(
      'unreachable',
      `${this.connection.address} answers, but not as Tidings does: is the address right?`,
    );
  }

  async #untilAnswered(call: Call): Promise<unknown> {
    const deadline = performance.now() + this.#patienceMs;
    for (let failures = 0; ; failures += 1) {
      const tried = await this.#try(call);
      if (tried.outcome === 'answered') return tried.body;
      const waitMs = Math.max(reconnectDelay(failures), tried.afterMs ?? 0);
      const mayRepeat = tried.isUndone || isRepeatable(call);
      if (!mayRepeat)
        throw new CliError(tried.error.exit, `${tried.error.message} ${PERHAPS_DONE}`, tried.error.body);
      if (performance.now() + waitMs > deadline) throw tried.error;
      if (failures === 0)
        this.#say(`${tried.error.message} Trying again for ${this.#patienceMs / SECOND} s …`);
      await pause(waitMs);
    }
  }

  async #try(call: Call): Promise<Try> {
    const { address, key } = this.connection;
    try {
      const response = await fetch(urlOf(address, call), {
        method: call.method,
        headers: headersOf(call, key),
        ...(call.body !== undefined && { body: JSON.stringify(call.body) }),
        // The key is for this address and no other.
        redirect: 'manual',
        signal: AbortSignal.timeout(call.timeoutMs ?? TIMEOUT_MS),
      });
      return await this.#read(response);
    } catch (thrown) {
      if (thrown instanceof CliError) throw thrown;
      const error = new CliError('unreachable', `${address} cannot be reached: ${reasonOf(thrown)}.`);
      return { outcome: 'passing', error, isUndone: isUnconnected(thrown), afterMs: undefined };
    }
  }

  async #read(response: Response): Promise<Try> {
    const { status } = response;
    const text = await response.text();
    if (status >= 300 && status < 400) throw this.#redirected(response);
    const body = bodyOf(text);
    if (response.ok) return { outcome: 'answered', body };
    const error = this.#refusal(status, body);
    if (!PASSING.has(status)) throw error;
    const afterMs = Number(response.headers.get('retry-after')) * SECOND || undefined;
    return { outcome: 'passing', error, isUndone: status === 429, afterMs };
  }

  #redirected(response: Response): CliError {
    const location = response.headers.get('location') ?? 'nowhere';
    return new CliError(
      'unreachable',
      `${this.connection.address} leads to ${location}, and the key is not sent there. If that is right, name it with --url.`,
    );
  }

  #refusal(status: number, body: unknown): CliError {
    const { address, keyFrom } = this.connection;
    const problem = problemAnswer.safeParse(body);
    if (!problem.success)
      return new CliError(
        'unreachable',
        `${address} answers ${status}, but not as Tidings does: is the address right?`,
      );
    const { title, detail, errors = [] } = problem.data;
    const fields = errors.map(({ field, message }) => `\n  ${field}: ${message}`).join('');
    // What is not there is said by the detail already.
    const said = status === 404 && detail !== undefined ? [detail] : [`${title}.`, ...[detail ?? []].flat()];
    const words = `${said.join(' ')}${fields}`;
    if (status === 401) return new CliError('denied', `${words} The key came from ${keyFrom}.`, body);
    if (status === 403) return new CliError('denied', words, body);
    return new CliError(PASSING.has(status) ? 'unreachable' : 'refused', words, body);
  }
}

/** A GET, and what carries an idempotency key; whatever else may have been done although nobody heard of it. */
function isRepeatable({ method, idempotencyKey, isRepeatable: isDeclared }: Call): boolean {
  return method === 'GET' || idempotencyKey !== undefined || isDeclared === true;
}

function urlOf(address: string, { path, query = {} }: Call): URL {
  const url = new URL(`${address}${path}`);
  for (const [name, value] of Object.entries(query))
    if (value !== undefined) url.searchParams.set(name, String(value));
  return url;
}

function headersOf({ body, idempotencyKey }: Call, key: string): Record<string, string> {
  return {
    accept: 'application/json',
    authorization: `Bearer ${key}`,
    ...(body !== undefined && { 'content-type': 'application/json' }),
    ...(idempotencyKey !== undefined && { 'idempotency-key': idempotencyKey }),
  };
}

function bodyOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** What `fetch` keeps behind its "fetch failed". */
function causeOf(thrown: unknown): Error {
  const error = toError(thrown);
  return error.cause instanceof Error ? error.cause : error;
}

function isUnconnected(thrown: unknown): boolean {
  return ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN'].includes(codeOf(causeOf(thrown)) ?? '');
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there (is npm start running?)',
  ENOTFOUND: 'there is no such host',
  ECONNRESET: 'the connection was cut',
  UND_ERR_SOCKET: 'the connection was cut',
};

function reasonOf(thrown: unknown): string {
  const cause = causeOf(thrown);
  if (cause.name === 'TimeoutError') return 'no answer in time';
  const code = codeOf(cause) ?? '';
  return REASONS[code] ?? (cause.message || code);
}
