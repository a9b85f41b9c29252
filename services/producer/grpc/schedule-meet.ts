import { Metadata, type ServerUnaryCall, type handleUnaryCall } from '@grpc/grpc-js';
import type { z } from 'zod';
import {
  cancelMeetRequestSchema,
  fieldErrors,
  meetRequestSchema,
  type MeetRequest,
} from '../../../shared/contracts/index.ts';
import type { Reading } from '../../../shared/runtime/strict-json.ts';
import { ANSWER_WITHIN_MS, inTime } from '../accept/deadline.ts';
import type { Received } from '../accept/reception.ts';
import type { Identity } from '../access/identity.ts';
import { acceptedAnswer } from '../api/notifications.ts';
import { authorize } from '../api/operation.ts';
import { Problem, problemOf } from '../api/problem.ts';
import type { ProducerContext } from '../context.ts';
import { errorOf } from './errors.ts';
import { cancelMeeting, scheduleVersion, type Asking, type VersionsContext } from './meeting-versions.ts';
import { meetingKey, meetingMail } from './meeting.ts';

/** MeetResponse of scheduler.proto. */
interface MeetResponse {
  success: boolean;
  job_id: string;
}

type Call = ServerUnaryCall<Reading, MeetResponse>;

/** The context that scheduling needs. */
type Scheduling = VersionsContext & Pick<ProducerContext, 'gate' | 'log'>;

/** Answers the id of a notification. @throws Problem, or what the store threw. */
type Method = (context: Scheduling, request: Reading, asking: Asking) => Promise<string>;

/** Serves a method; `underWay` holds the calls that have no answer yet. */
function served(
  method: Method,
  context: Scheduling,
  underWay: Set<Promise<void>>,
): handleUnaryCall<Reading, MeetResponse> {
  return (call, callback) => {
    const trailer = new Metadata();
    const answering = answer(method, context, call, trailer)
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

/** The methods of the service. */
export function schedulerMethods(
  context: Scheduling,
  underWay: Set<Promise<void>>,
): Record<'ScheduleMeet' | 'CancelMeet', handleUnaryCall<Reading, MeetResponse>> {
  return {
    ScheduleMeet: served(scheduleMeet, context, underWay),
    CancelMeet: served(cancelMeet, context, underWay),
  };
}

async function answer(method: Method, context: Scheduling, call: Call, trailer: Metadata): Promise<string> {
  const endsAt = Math.min(Date.now() + ANSWER_WITHIN_MS, Number(call.getDeadline()));
  // Who gives up while it waits for the store is not written behind their back.
  const givenUp = new AbortController();
  call.once('cancelled', () => {
    givenUp.abort();
  });
  const identity = await identify(context, call, trailer);
  authorize({ needs: ['send'] }, identity);
  const withinMs = endsAt - Date.now();
  return inTime(method(context, call.request, { identity, withinMs, signal: givenUp.signal }), withinMs);
}

async function scheduleMeet(context: Scheduling, request: Reading, asking: Asking): Promise<string> {
  const meeting = validated(meetRequestSchema, request);
  const received = await (meeting.meeting_id === ''
    ? scheduleOnce(context, meeting, asking)
    : scheduleVersion(context, meeting, { ...asking, body: request.value }));
  return idOf(received);
}

/** A meeting without an id cannot be changed. */
async function scheduleOnce(
  { reception, config }: Scheduling,
  meeting: MeetRequest,
  asking: Asking,
): Promise<Received> {
  const { empid, emailID, empName, message, timestamp } = meeting;
  const words = { empid, emailID, empName, message };
  const body = { ...words, timestamp: timestamp.getTime() };
  const key = meetingKey(meeting, asking.identity.actor);
  const version = { ...words, timestamp, key, sequence: 0, method: 'REQUEST', sendAt: timestamp } as const;
  const mail = await meetingMail(version, { from: config.MAIL_FROM, now: new Date() });
  return reception.receive(mail, { ...asking, keyed: { key, body } });
}

async function cancelMeet(context: Scheduling, request: Reading, asking: Asking): Promise<string> {
  const canceled = await cancelMeeting(context, validated(cancelMeetRequestSchema, request), asking);
  return 'outcome' in canceled ? idOf(canceled) : canceled._id;
}

function idOf(received: Received): string {
  return acceptedAnswer('email', received).body.id;
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

/** @throws Problem that names each field. */
function validated<Schema extends z.ZodType>(schema: Schema, { value, troubles }: Reading): z.output<Schema> {
  if (troubles.length > 0) throw new Problem('validation_failed', { errors: troubles });
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new Problem('validation_failed', { errors: fieldErrors(result.error) });
}
