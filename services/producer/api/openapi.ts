import { createDocument, type ZodOpenApiOperationObject, type ZodOpenApiPathsObject } from 'zod-openapi';
import { PROBLEMS, problemSchema, type ProblemCode } from '../../../shared/contracts/index.ts';
import { linksOf } from './links.ts';
import { mediaTypesOf, type Operation } from './operation.ts';

/** What any operation may answer: the limits, the method, our own trouble, the store's. */
const ALWAYS: readonly ProblemCode[] = [
  'too_many_requests',
  'method_not_allowed',
  'request_timeout',
  'headers_too_large',
  'internal_error',
  'store_unavailable',
];
/** What those may answer that are not open to everybody. */
const GUARDED: readonly ProblemCode[] = ['unauthorized', 'forbidden'];
/** What a refusal for too many requests says: RateLimit header fields of the IETF's draft 8. */
const LIMIT_HEADERS = {
  'Retry-After': { schema: { type: 'integer' as const }, required: true },
  RateLimit: { schema: { type: 'string' as const } },
  'RateLimit-Policy': { schema: { type: 'string' as const } },
};

/** What the HTTP server itself answers, without a body, before any operation is reached. */
const OF_THE_SERVER: ZodOpenApiOperationObject['responses'] = {
  '417': { description: 'An Expect header other than 100-continue' },
};

/** Makes the OpenAPI 3.1 document of the operations, from the very schemas that validate their requests. */
export function openApiOf(operations: readonly Operation[]): object {
  const paths: ZodOpenApiPathsObject = {};
  for (const one of operations) paths[one.path] = { ...paths[one.path], [one.method]: describe(one) };
  return createDocument({
    openapi: '3.1.0',
    info: {
      title: 'Tidings',
      version: '1',
      description:
        'Hand over a notification; it reaches its person by e-mail, SMS or in-app. `202` means that it is stored, and ends in exactly one state.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/' }],
    security: [{ bearer: [] }],
    components: {
      securitySchemes: {
        bearer: {
          type: 'http',
          scheme: 'bearer',
          description:
            'API_KEY, a key of /v1/keys, an access token of /v1/auth/token, or a token of your own issuer.',
        },
      },
    },
    paths,
  });
}

function describe(one: Operation): ZodOpenApiOperationObject {
  const { answer, params, query, headers, body } = one;
  return {
    operationId: one.id,
    summary: one.summary,
    description: accessOf(one),
    ...(one.needs === 'nobody' && { security: [] }),
    tags: [one.tag],
    requestParams: {
      ...(params && { path: params }),
      ...(query && { query }),
      ...(headers && { header: headers }),
    },
    ...(body && {
      requestBody: {
        required: !one.isBodyOptional,
        content: Object.fromEntries(mediaTypesOf(one).map((type) => [type, { schema: body }])),
      },
    }),
    responses: {
      [String(answer.status)]: {
        description: answer.description,
        ...(answer.headers && { headers: answer.headers }),
        content: { [answer.mediaType ?? 'application/json']: { schema: answer.schema } },
        links: linksOf(one.id),
      },
      ...problemResponses([...one.problems, ...(one.needs === 'nobody' ? [] : GUARDED), ...ALWAYS]),
      ...OF_THE_SERVER,
    },
  };
}

function accessOf({ needs, isOfUser, isLimited }: Operation): string {
  if (needs === 'nobody') return 'Open to everybody.';
  const own = isOfUser ? ', or is called with a token of this very person' : '';
  const words = needs.map(
    (need) => `the scope \`${need}\`${need === 'send' ? ', or that of the channel' : ''}`,
  );
  const all = needs.find((need) => need === 'read' || need === 'retry');
  const limit =
    isLimited && all
      ? ` Without \`${all}:all\` it reaches what its caller has submitted; all else is as if it were not there.`
      : '';
  return `Needs ${words.join(' and ')}${own}.${limit}`;
}

function problemResponses(codes: readonly ProblemCode[]): ZodOpenApiOperationObject['responses'] {
  const statuses = new Set(codes.map((code) => PROBLEMS[code].status));
  const describeStatus = (status: number): string =>
    codes
      .filter((code) => PROBLEMS[code].status === status)
      .map((code) => `${code}: ${PROBLEMS[code].title}`)
      .join('; ');
  return Object.fromEntries(
    [...statuses].map((status) => [
      String(status),
      {
        description: describeStatus(status),
        content: { 'application/problem+json': { schema: problemSchema } },
        ...(status === 503 && {
          headers: { 'Retry-After': { schema: { type: 'integer' as const }, required: true } },
        }),
        ...(status === 429 && { headers: LIMIT_HEADERS }),
        ...(status === 401 && {
          headers: { 'WWW-Authenticate': { schema: { type: 'string' as const }, required: true } },
        }),
        ...(status === 405 && {
          headers: { Allow: { schema: { type: 'string' as const }, required: true } },
        }),
      },
    ]),
  );
}
