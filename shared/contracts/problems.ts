import { z } from 'zod';

/** Every error that the API answers: its stable code, HTTP status and title. The OpenAPI document lists exactly these. */
export const PROBLEMS = {
  validation_failed: { status: 400, title: 'Some fields need another value' },
  malformed_json: { status: 400, title: 'The body is not valid JSON' },
  bad_request: { status: 400, title: 'This is no HTTP request that can be read' },
  unauthorized: { status: 401, title: 'A valid key or token is needed' },
  invalid_credentials: { status: 401, title: 'These are no good credentials' },
  signed_out: { status: 401, title: 'Sign in first' },
  forbidden: { status: 403, title: 'This is not open to you' },
  not_found: { status: 404, title: 'Not found' },
  method_not_allowed: { status: 405, title: 'This URL does not take this method' },
  request_timeout: { status: 408, title: 'The request did not come to its end in time' },
  state_conflict: { status: 409, title: 'Its state forbids this' },
  body_too_large: { status: 413, title: 'The body is too large' },
  unsupported_media_type: { status: 415, title: 'The body is of a type that this call does not take' },
  idempotency_conflict: { status: 422, title: 'This Idempotency-Key came with another body before' },
  search_too_wide: { status: 422, title: 'The search took too long: narrow it' },
  too_many_requests: { status: 429, title: 'Too many requests' },
  headers_too_large: { status: 431, title: 'The headers are too large: 16 KiB is the most' },
  internal_error: { status: 500, title: 'Something went wrong on our side' },
  issuer_unavailable: {
    status: 503,
    title: 'The issuer of this token cannot be asked for its keys; come again with the same token',
  },
  accepting_stopped: {
    status: 503,
    title: 'Nothing is accepted now, for an operator drains the fleet; repeat with the same Idempotency-Key',
  },
  store_unavailable: {
    status: 503,
    title: 'The store cannot be reached; repeat with the same Idempotency-Key',
  },
} as const satisfies Record<string, { status: number; title: string }>;

/** The stable code of an error. */
export type ProblemCode = keyof typeof PROBLEMS;

/** One field that needs another value. */
export const fieldErrorSchema = z.object({ field: z.string(), message: z.string() }).meta({
  id: 'FieldError',
  description: 'A field by its path, such as notifications.0.email, and what it must be',
});

/** One field that needs another value. */
export type FieldError = z.output<typeof fieldErrorSchema>;

/** RFC 9457 problem details. */
export const problemSchema = z
  .object({
    type: z.string().describe('about:blank: the code says it all'),
    title: z.string(),
    status: z.int(),
    code: z.enum(Object.keys(PROBLEMS) as [ProblemCode, ...ProblemCode[]]),
    detail: z.string().optional(),
    errors: z.array(fieldErrorSchema).optional(),
    state: z.string().optional().describe('With state_conflict: the state that forbids it'),
  })
  .meta({ id: 'Problem' });

/** Fields that one answer names. Nobody reads more, and a body may have a hundred thousand unknown ones. */
const MAX_FIELD_ERRORS = 50;

/** Puts zod's issues into the words of the API: one entry a field, its first trouble; of very many, the first ones and how many more there are. */
export function fieldErrors(error: z.ZodError): FieldError[] {
  const byField = new Map<string, FieldError>();
  for (const one of error.issues.flatMap(errorsOf)) if (!byField.has(one.field)) byField.set(one.field, one);
  const errors = [...byField.values()];
  if (errors.length <= MAX_FIELD_ERRORS) return errors;
  const more = {
    field: 'body',
    message: `has ${errors.length - MAX_FIELD_ERRORS} more fields that need another value`,
  };
  return [...errors.slice(0, MAX_FIELD_ERRORS), more];
}

function errorsOf(issue: z.core.$ZodIssue): FieldError[] {
  const path = issue.path.map(String);
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => ({ field: [...path, key].join('.'), message: 'is not a known field' }));
  if (path.length === 0 && issue.code === 'invalid_type')
    return [{ field: 'body', message: 'must be a JSON object' }];
  return [{ field: path.join('.') || 'body', message: issue.message }];
}
