import { Metadata, type ServerUnaryCall, type handleUnaryCall } from '@grpc/grpc-js';
import { fieldErrors, meetRequestSchema, type MeetRequest } from '../../../shared/contracts/index.ts';
import { ANSWER_WITHIN_MS, inTime } from '../accept/deadline.ts';
import type { Identity } from '../access/identity.ts';
import { acceptedAnswer } from '../api/notifications.ts';
import { authorize } from '../api/operation.ts';
import { Problem, problemOf } from '../api/problem.ts';
import type { ProducerContext } from '../context.ts';
import { errorOf } from './errors.ts';
import { invitationOf, meetingKey } from './meeting.ts';

/** MeetResponse of scheduler.proto. */
interface MeetResponse {
  success: boolean;
  job_id: string;
}

type Call = ServerUnaryCall<unknown, MeetResponse>;

/** The context that scheduling needs. */
type Scheduling = Pick<ProducerContext, 'gate' | 'reception' | 'config' | 'log'>;

/** Schedules the invitation to a meeting; `underWay` holds the calls that have no answer yet. */
export function scheduleMeet(
  context: Scheduling,
  underWay: Set<Promise<void>>,
): handleUnaryCall<unknown, MeetResponse> {
  return (call, callback) => {
    const trailer = new Metadata();
    const answering = schedule(context, call, trailer)
      .then(
        (job_id) => {
          callback(null, { success: true, job_id }, trailer);
        },
        (thrown: unknown) => {
          callback(errorOf(problemOf(thrown, context.log), trailer));
        },
      )
      .finally(() => underWay.delete(answering));
    underWay.add(answering);
  };
}

/** Answers the id of the invitation. @throws Problem, or what the store threw. */
async function schedule(context: Scheduling, call: Call, trailer: Metadata): Promise<string> {
  const { reception, config } = context;
  const endsAt = Math.min(Date.now() + ANSWER_WITHIN_MS, Number(call.getDeadline()));
  // Who gives up while it waits for the store is not written behind their back.
  const givenUp = new AbortController();
  call.once('cancelled', () => {
    givenUp.abort();
  });
  const identity = await identify(context, call, trailer);
  authorize({ needs: ['send'] }, identity);
  const meeting = validated(call.request);
  const request = await invitationOf(meeting, { from: config.MAIL_FROM, now: new Date() });
  const keyed = { key: meetingKey(meeting), body: call.request };
  const withinMs = endsAt - Date.now();
  const receiving = reception.receive(request, { identity, keyed, withinMs, signal: givenUp.signal });
  return acceptedAnswer(request.type, await inTime(receiving, withinMs)).body.id;
}

/** Identifies the caller by the same gate as over HTTP; what HTTP says in headers, the trailer says here. */
function identify({ gate, config }: Scheduling, call: Call, trailer: Metadata): Identity | Promise<Identity> {
  const request = {
    headers: headersOf(call.metadata, ['authorization', 'x-forwarded-for']),
    socket: { remoteAddress: addressIn(call.getPeer()) },
    endsTls: config.GRPC_TLS_CERT_FILE !== undefined,
  };
  return gate.admit(request, {
    setHeader: (name, value) => {
      // HTTP/2 has no such header.
      if (name !== 'connection') trailer.set(name, value);
    },
  });
}

/** As HTTP does, joins what a client and its proxies sent under one name, in order: the first value alone would be the client's own. */
function headersOf(metadata: Metadata, names: readonly string[]): Record<string, string> {
  const given = names.map((name) => [name, metadata.get(name).join(', ')]);
  return Object.fromEntries(given.filter(([, value]) => value !== '')) as Record<string, string>;
}

/** Without the port: 127.0.0.1:4711, [::1]:4711 */
function addressIn(peer: string): string {
  return /^\[?(.*?)\]?:\d+$/.exec(peer)?.[1] ?? peer;
}

function validated(request: unknown): MeetRequest {
  const result = meetRequestSchema.safeParse(request);
  if (result.success) return result.data;
  throw new Problem('validation_failed', { errors: fieldErrors(result.error) });
}
