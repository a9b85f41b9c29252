import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import express, { type Request, type RequestHandler, type Response, type Router } from 'express';
import { z } from 'zod';
import {
  MAX_BODY_BYTES,
  fieldErrors,
  type ProblemCode,
  type Scope,
} from '../../../shared/contracts/index.ts';
import type { Reading } from '../../../shared/runtime/strict-json.ts';
import { NOBODY, refusalOf, type Identity } from '../access/identity.ts';
import { ANSWER_WITHIN_MS, inTime } from '../accept/deadline.ts';
import type { Charge } from './authentication.ts';
import { BODIES, readBody, requireUtf8, type BodyName } from './body.ts';
import { ANSWER_HEADERS, Problem } from './problem.ts';

/** A validated request. */
export interface Input<Params, Query, Body> {
  params: Params;
  query: Query;
  body: Body;
  /** The body as it came, before validation: what idempotency compares. */
  rawBody: unknown;
  headers: IncomingHttpHeaders;
  /** Who asks. */
  identity: Identity;
  /** The address that the request comes from. */
  address: () => string;
}

/** What an operation answers: JSON, or a text with the media type that the operation names. */
export interface Answer {
  status: number;
  body: object | string;
  headers?: Record<string, string>;
}

/** The media types that the body of an operation may come in. */
export function mediaTypesOf({ takes = 'json' }: Pick<Operation, 'takes'>): readonly string[] {
  return BODIES[takes].types;
}

/** One call of the API: the routes, the 405s and the OpenAPI document are all made of this. */
export interface Operation {
  method: 'get' | 'post' | 'delete';
  /** In OpenAPI's notation: /v1/notifications/{id} */
  path: string;
  id: string;
  tag: string;
  summary: string;
  /** The scopes that it needs, all of them; `nobody`: it is open to everybody. */
  needs: readonly Scope[] | 'nobody';
  /** It reaches what its caller has submitted; with the scope for all, everything. */
  isLimited?: true;
  /** It concerns the person in its address, whose own token is enough. */
  isOfUser?: true;
  params?: z.ZodObject;
  query?: z.ZodObject;
  headers?: z.ZodObject;
  body?: z.ZodType;
  /** What the body is; JSON when not given. */
  takes?: BodyName;
  /** Without a body it is as with an empty object. */
  isBodyOptional?: true;
  maxBodyBytes?: number;
  /** Called by the thousand: served without the web framework. It has a body and no parameters. */
  isHot?: true;
  /** The answer of a success. */
  answer: {
    status: number;
    description: string;
    schema: z.ZodType;
    headers?: z.ZodObject;
    /** Where it is not JSON. */
    mediaType?: string;
  };
  /** What else it may answer, beyond 401, 405, 500 and 503. */
  problems: readonly ProblemCode[];
  /** For what works on many records; every other operation answers within 3 s. Milliseconds. */
  answerWithinMs?: number;
  handle: (input: Input<never, never, never>) => Promise<Answer>;
}

/** What any operation with a body may answer. */
export const BODY_PROBLEMS = [
  'validation_failed',
  'malformed_json',
  'body_too_large',
  'unsupported_media_type',
] as const satisfies ProblemCode[];

type Output<S> = S extends z.ZodType ? z.output<S> : undefined;

/** Types an operation's handler by its schemas. */
export function operation<
  P extends z.ZodObject | undefined = undefined,
  Q extends z.ZodObject | undefined = undefined,
  B extends z.ZodType | undefined = undefined,
>(
  definition: Omit<Operation, 'handle' | 'params' | 'query' | 'body'> & {
    params?: P;
    query?: Q;
    body?: B;
    handle: (input: Input<Output<P>, Output<Q>, Output<B>>) => Promise<Answer>;
  },
): Operation {
  // The schemas that type the handler are the ones that `serve` validates with.
  return definition as unknown as Operation;
}

/**
 * Mounts operations: each path takes its methods, and answers 405 with Allow to any other. `under`: where the router is mounted itself.
 * `before`: what each of their requests passes first.
 */
export function serve(
  router: Router,
  operations: readonly Operation[],
  { under = '', before }: { under?: string; before?: RequestHandler } = {},
): void {
  for (const path of new Set(operations.map((one) => one.path))) {
    const group = operations.filter((one) => one.path === path);
    const route = router.route(path.slice(under.length).replace(/\{(\w+)\}/g, ':$1'));
    if (before) route.all(before);
    for (const one of group)
      route[one.method](requireScope(one.needs, one.isOfUser), ...bodyParsers(one), handlerOf(one));
    route.all(refuseMethod(group));
  }
}

/** What a call without a body of its own takes: nothing, so that a field which would be passed over is named. */
const NOTHING = z.strictObject({});
const MAX_NOTHING_BYTES = 16 * 1024;

/** The schema of the body; undefined where there is none to look at. */
function bodyOf({ body, method }: Operation): z.ZodType | undefined {
  return body ?? (method === 'get' ? undefined : NOTHING);
}

function bodyParsers(one: Operation): RequestHandler[] {
  if (!bodyOf(one)) return [];
  const limit = one.maxBodyBytes ?? (one.body ? MAX_BODY_BYTES : MAX_NOTHING_BYTES);
  return [express.raw({ type: [...mediaTypesOf(one)], limit }), readBytes(one)];
}

/** Reads what came as bytes. What is of another type is not there. */
function readBytes({ takes = 'json' }: Operation): RequestHandler {
  return async function readBodyBytes(request, response, next) {
    const bytes: unknown = request.body;
    if (!Buffer.isBuffer(bytes)) {
      next();
      return;
    }
    requireUtf8(request.headers['content-type']);
    const begunAt = performance.now();
    const { charge, spentMs = 0 } = response.locals as { charge?: Charge; spentMs?: number };
    await charge?.(bytes.length);
    const body = await readBody(takes, bytes);
    Object.assign(response.locals, { body, spentMs: spentMs + performance.now() - begunAt });
    next();
  };
}

/** Lets those pass whose scopes meet this, before anything of the body is read. */
export function requireScope(needs: Operation['needs'], isOfUser?: true): RequestHandler {
  return function checkScope({ params }, response, next) {
    authorize({ needs, ...(isOfUser && { isOfUser }) }, identityOf(response), params);
    next();
  };
}

/** Who asks, behind the gate. */
export function identityOf(response: Response): Identity {
  return (response.locals as { identity?: Identity }).identity ?? NOBODY;
}

function handlerOf(one: Operation): RequestHandler {
  return async function handleOperation(request: Request, response: Response): Promise<void> {
    const { params, query, headers } = request;
    const { spentMs = 0, body } = response.locals as { spentMs?: number; body?: Reading };
    const given = { params, query, headers, body };
    const asked = { identity: identityOf(response), address: () => request.ip ?? '', spentMs };
    send(response, await perform(one, { ...given, ...asked }));
  };
}

/** Lets an identity do what its scopes allow. @throws Problem otherwise. */
export function authorize(
  { needs, isOfUser }: Pick<Operation, 'needs' | 'isOfUser'>,
  identity: Identity,
  params: { user_id?: unknown } = {},
): void {
  if (needs === 'nobody') return;
  const ofUser = isOfUser && typeof params.user_id === 'string' ? params.user_id : undefined;
  const refusal = refusalOf(identity, { needs, ofUser });
  if (refusal === undefined) return;
  throw scopeMissing(refusal);
}

/** For whoever may do other things, but not this (RFC 6750 §3.1). */
export function scopeMissing(detail: string): Problem {
  return new Problem('forbidden', {
    detail,
    headers: { 'www-authenticate': 'Bearer realm="tidings", error="insufficient_scope"' },
  });
}

/** What comes with a request. */
interface Given {
  params?: unknown;
  query?: unknown;
  headers: IncomingHttpHeaders;
  /** Undefined when it has none of a type that is taken. */
  body: Reading | undefined;
  identity: Identity;
  address: () => string;
  /** Milliseconds that it took to find out who asks: they are missing for the work. */
  spentMs: number;
}

/** Validates, and has it done in time. @throws Problem, or what the store threw. */
export function perform(one: Operation, given: Given): Promise<Answer> {
  const { headers, identity, address, body } = given;
  if (one.body && !one.isBodyOptional && !body)
    throw new Problem('unsupported_media_type', { detail: `This takes ${mediaTypesOf(one).join(' or ')}.` });
  if (body && body.troubles.length > 0) throw new Problem('validation_failed', { errors: body.troubles });
  const rawBody = body?.value ?? {};
  const input = {
    headers,
    rawBody,
    identity,
    address,
    params: validated(one.params, given.params),
    query: validated(one.query, given.query),
    body: validated(bodyOf(one), rawBody),
  };
  const left = (one.answerWithinMs ?? ANSWER_WITHIN_MS) - given.spentMs;
  return inTime(one.handle(input as Input<never, never, never>), left);
}

/** Writes an answer. A text has its media type in its headers. */
export function send(response: ServerResponse, { status, body, headers }: Answer): void {
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    ...ANSWER_HEADERS,
    ...headers,
  });
  response.end(typeof body === 'string' ? body : JSON.stringify(body));
}

function validated(schema: z.ZodType | undefined, value: unknown): unknown {
  if (!schema) return undefined;
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new Problem('validation_failed', { errors: fieldErrors(result.error) });
}

function refuseMethod(group: readonly Operation[]): RequestHandler {
  const methods = group.flatMap(({ method }) =>
    method === 'get' ? ['GET', 'HEAD'] : [method.toUpperCase()],
  );
  const allow = methods.join(', ');
  return () => {
    throw new Problem('method_not_allowed', { detail: `Use ${allow}.`, headers: { allow } });
  };
}

/** For addresses that only answer: refuses every other method. */
export const onlyGet: RequestHandler = (request, _response, next) => {
  if (request.method === 'GET' || request.method === 'HEAD') next();
  else throw new Problem('method_not_allowed', { detail: 'Use GET, HEAD.', headers: { allow: 'GET, HEAD' } });
};
