import { status, type Metadata, type ServerErrorResponse } from '@grpc/grpc-js';
import { PROBLEMS, type ProblemCode } from '../../../shared/contracts/index.ts';
import type { Problem } from '../api/problem.ts';
import { encode } from './protos.ts';

/** gRPC's code of each problem that a call may have; any other one is a bug of ours. */
const STATUS_OF: Partial<Record<ProblemCode, status>> = {
  validation_failed: status.INVALID_ARGUMENT,
  unauthorized: status.UNAUTHENTICATED,
  forbidden: status.PERMISSION_DENIED,
  too_many_requests: status.RESOURCE_EXHAUSTED,
  idempotency_conflict: status.ALREADY_EXISTS,
  not_found: status.NOT_FOUND,
  accepting_stopped: status.UNAVAILABLE,
  issuer_unavailable: status.UNAVAILABLE,
  store_unavailable: status.UNAVAILABLE,
};
/** What is told in another way than over HTTP, where there is a header for it. */
const WORDS: Partial<Record<ProblemCode, string>> = {
  unauthorized: 'A valid key or token is needed, as metadata: authorization: Bearer <API key>',
  idempotency_conflict:
    'This meeting of this person was scheduled with another emailID or empName before; with a meeting_id it could be changed',
  accepting_stopped:
    'Nothing is accepted now, for an operator drains the fleet; call again, the meeting is scheduled once',
  store_unavailable: 'The store cannot be reached; call again, the meeting is scheduled once',
};

/** What gRPC answers for a problem: code, words, and details as google.rpc has them. `trailer`: what is said beside it. */
export function errorOf(problem: Problem, trailer: Metadata): ServerErrorResponse {
  const code = STATUS_OF[problem.code] ?? status.INTERNAL;
  const message = wordsOf(problem);
  const details = detailsOf(problem);
  if (details.length > 0)
    trailer.set('grpc-status-details-bin', encode('Status', { code, message, details }));
  return Object.assign(new Error(message), { code, details: message, metadata: trailer });
}

function wordsOf({ code, message, errors = [] }: Problem): string {
  const fields = errors.map(({ field, message: words }) => `${field} ${words}`).join('; ');
  return fields || WORDS[code] || message || PROBLEMS[code].title;
}

function detailsOf({ errors, headers }: Problem): { type_url: string; value: Buffer }[] {
  const seconds = headers['retry-after'];
  return [
    ...(errors ? [detail('BadRequest', { field_violations: errors.map(violationOf) })] : []),
    ...(seconds === undefined ? [] : [detail('RetryInfo', { retry_delay: { seconds } })]),
  ];
}

function violationOf({ field, message }: { field: string; message: string }): object {
  return { field, description: message };
}

function detail(type: 'BadRequest' | 'RetryInfo', value: object): { type_url: string; value: Buffer } {
  return { type_url: `type.googleapis.com/google.rpc.${type}`, value: encode(type, value) };
}
