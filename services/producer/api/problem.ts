import type { ServerResponse } from 'node:http';
import { MongoBulkWriteError, MongoError, MongoServerError } from 'mongodb';
import type { NextFunction, Request, Response } from 'express';
import { PROBLEMS, type FieldError, type ProblemCode } from '../../../shared/contracts/index.ts';
import { codeOf, toError } from '../../../shared/runtime/errors.ts';
import type { Logger } from '../../../shared/runtime/logger.ts';
import { AcceptingStopped } from '../accept/acceptor.ts';
import { render } from '../web/pages.ts';
import { RecordRefused, SearchTooWide, StoreTimeout } from '../../../shared/store/index.ts';

/** Seconds after which a caller may try again while the store is away. */
const RETRY_AFTER_SECONDS = 5;
/** Seconds after which a caller may try again while an operator drains the fleet. */
const DRAINED_AFTER_SECONDS = 60;
const SOCKET_ENDED = new Set(['EPIPE', 'ECONNRESET']);
/**
 * What a server answers that is no primary any more, or shuts down (MongoDB's SDAM specification, "not writable primary" and "node is
 * recovering"). The driver marks them as retryable only where it retries by itself, which it does not for an update of many.
 */
const STEPPING_DOWN = new Set([91, 189, 10_058, 10_107, 11_600, 11_602, 13_435, 13_436]);
/** What people read while the store is away; programs read what to do with their request. */
const STORE_AWAY = [
  'MongoDB cannot be reached',
  'No page can be shown until it can. What was accepted is safe; what could not be was answered 503. Load this page again in a moment.',
] as const;
/** Bytes of a body that is too large which are still read, so that the client gets to read the answer. */
const DRAIN_BYTES = 32 * 1024 * 1024;

/** An error that the API answers as it is. */
export class Problem extends Error {
  override readonly name = 'Problem';
  readonly code: ProblemCode;
  readonly errors: FieldError[] | undefined;
  readonly state: string | undefined;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    code: ProblemCode,
    more: {
      detail?: string;
      errors?: FieldError[];
      state?: string;
      headers?: Record<string, string>;
    } = {},
  ) {
    super(more.detail ?? '');
    this.code = code;
    this.errors = more.errors;
    this.state = more.state;
    this.headers = more.headers ?? {};
  }
}

/** Answers a problem as RFC 9457 problem+json, or as a page to a browser that asked for one. */
async function sendProblem(request: Request, response: Response, problem: Problem): Promise<void> {
  if (!wantsPage(request)) {
    writeProblem(response, problem);
    return;
  }
  const { status, title } = PROBLEMS[problem.code];
  const isAway = problem.code === 'store_unavailable';
  const [words, detail] = isAway ? STORE_AWAY : [title, problem.message];
  response.set(problem.headers);
  await render(response, 'problem', { title: `${words} · Tidings`, words, detail }, status);
}

/** What is wrong with a body that is no JSON. The parser quotes a piece of it, which may be somebody's code, so only its own words are kept. */
export function malformedJson(thrown: unknown): Problem {
  const words = toError(thrown).message.replace(/, ?(?:"|\.\.\.).* is not valid JSON$/s, '');
  return new Problem('malformed_json', { detail: words });
}

/** Nothing that the API answers is kept by a cache, or taken for another type than it says. */
export const ANSWER_HEADERS = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' };

/** What every problem says. */
export function problemBody(code: ProblemCode): {
  type: string;
  title: string;
  status: number;
  code: ProblemCode;
} {
  const { status, title } = PROBLEMS[code];
  return { type: 'about:blank', title, status, code };
}

/** What a problem says. */
export function viewOfProblem(problem: Problem): ReturnType<typeof problemBody> & object {
  return {
    ...problemBody(problem.code),
    ...(problem.message && { detail: problem.message }),
    ...(problem.errors && { errors: problem.errors }),
    ...(problem.state && { state: problem.state }),
  };
}

/** Answers a problem as problem+json. */
export function writeProblem(response: ServerResponse, problem: Problem): void {
  const { status } = PROBLEMS[problem.code];
  const body = viewOfProblem(problem);
  response.writeHead(status, {
    'content-type': 'application/problem+json; charset=utf-8',
    ...ANSWER_HEADERS,
    ...problem.headers,
  });
  response.end(JSON.stringify(body));
}

/** The last middleware: whatever was thrown becomes a problem. */
export function problemHandler(log: Logger) {
  return async function answerProblem(
    thrown: unknown,
    request: Request,
    response: Response,
    next: NextFunction,
  ): Promise<void> {
    if (response.headersSent) {
      next(thrown);
      return;
    }
    const problem = problemOf(thrown, log);
    if (problem.code === 'body_too_large') await drain(request);
    await sendProblem(request, response, problem);
  };
}

/** Whether somebody looks through a browser, at an address that is a page. */
export function wantsPage(request: Request): boolean {
  const isApi = request.originalUrl.startsWith('/v1') || Boolean(request.headers.authorization);
  return !isApi && request.accepts(['json', 'html']) === 'html';
}

/** What is answered to whatever was thrown; what no caller has brought about is logged. */
export function problemOf(thrown: unknown, log: Logger): Problem {
  if (thrown instanceof Problem) return thrown;
  if (thrown instanceof AcceptingStopped)
    return new Problem('accepting_stopped', { headers: { 'retry-after': String(DRAINED_AFTER_SECONDS) } });
  if (isStoreAway(thrown)) {
    log.warn('the store cannot be reached', { error: toError(thrown) });
    return new Problem('store_unavailable', {
      detail: 'It may have been stored all the same.',
      headers: { 'retry-after': String(RETRY_AFTER_SECONDS) },
    });
  }
  if (thrown instanceof RecordRefused)
    return new Problem('internal_error', { detail: `${thrown.message}. Nothing was stored.` });
  if (thrown instanceof SearchTooWide)
    return new Problem('search_too_wide', { detail: 'Give a status, a person, or a shorter time as well.' });
  const problem = bodyProblem(thrown);
  if (problem) return problem;
  log.error('a request failed: this is a bug', { error: toError(thrown) });
  return new Problem('internal_error');
}

/** Whether the store could not be reached. Only errors that say that the server refused the very command are our own bugs; all others may pass. */
export function isStoreAway(thrown: unknown): boolean {
  if (thrown instanceof StoreTimeout) return true;
  // The driver passes on as it is what a socket says that its server has just ended.
  if (SOCKET_ENDED.has(codeOf(thrown) ?? '')) return true;
  if (!(thrown instanceof MongoError)) return false;
  return (
    !(thrown instanceof MongoServerError) ||
    // What a bulk throws when the driver itself failed; a refusal of single writes is handled where it can happen.
    thrown instanceof MongoBulkWriteError ||
    STEPPING_DOWN.has(Number(thrown.code)) ||
    thrown.hasErrorLabel('RetryableWriteError') ||
    thrown.hasErrorLabel('RetryableError')
  );
}

/** What the body parsers of Express throw. */
function bodyProblem(thrown: unknown): Problem | undefined {
  const { type, status, message } = toError(thrown) as Error & { type?: unknown; status?: unknown };
  if (type === 'entity.too.large') return bodyTooLarge(thrown as TooLarge);
  if (type === 'entity.parse.failed') return malformedJson(thrown);
  if (status === 415) return new Problem('unsupported_media_type', { detail: message });
  if (typeof status === 'number' && status >= 400 && status < 500)
    return new Problem('validation_failed', { detail: message });
  return undefined;
}

/** What the body parsers know of a body that is too large, in bytes; `length` where the head has said it, `received` after unpacking. */
interface TooLarge {
  limit: number;
  length?: number;
}

function bodyTooLarge({ limit, length }: TooLarge): Problem {
  const size = length === undefined || length <= limit ? `more than ${limit}` : String(length);
  const message = `has ${size} bytes; the most is ${limit}`;
  return new Problem('body_too_large', {
    detail: `The body ${message}.`,
    errors: [{ field: 'body', message }],
    headers: { connection: 'close' },
  });
}

/** Reads on to the end of the body, within bounds: a client that is still sending would not see the answer. */
function drain(request: Request): Promise<void> {
  return new Promise((resolve) => {
    if (request.complete || request.destroyed) {
      resolve();
      return;
    }
    let read = 0;
    request.on('data', (chunk: Buffer) => {
      read += chunk.length;
      if (read > DRAIN_BYTES) resolve();
    });
    for (const event of ['end', 'close', 'error'])
      request.once(event, () => {
        resolve();
      });
    request.resume();
  });
}
