import {
  mailboxOf,
  quickEmailSchema,
  quickResultSchema,
  quickSmsSchema,
  type NotificationRequest,
  type QuickEmail,
} from '../../../shared/contracts/index.ts';
import type { Admission } from '../accept/admission.ts';
import type { ProducerContext } from '../context.ts';
import { idempotencyHeaders, idempotencyKeyOf } from './idempotency.ts';
import { acceptedAnswer, acceptedHeaders } from './notifications.ts';
import { BODY_PROBLEMS, operation, type Answer, type Input, type Operation } from './operation.ts';

/** The heading of these calls in the documentation. */
const TAG = 'Quick';

/** What all of them share. */
const COMMON = {
  method: 'post',
  needs: ['send'],
  isHot: true,
  tag: TAG,
  headers: idempotencyHeaders,
  answer: {
    status: 202,
    description: 'Stored: from now on it ends in exactly one state',
    schema: quickResultSchema,
    headers: acceptedHeaders,
  },
  problems: [...BODY_PROBLEMS, 'idempotency_conflict'],
} as const;

/** One mail or SMS in few words, for programs that know no more: what they hand over is a notification like any other. */
export function quickOperations({ reception, admission }: ProducerContext): Operation[] {
  type Asked = Pick<Input<undefined, undefined, unknown>, 'rawBody' | 'headers' | 'identity'>;
  const accept = async (request: NotificationRequest, asked: Asked): Promise<Answer> => {
    const keyed = { key: idempotencyKeyOf(asked.headers['idempotency-key']), body: asked.rawBody };
    const received = await reception.receive(request, { identity: asked.identity, keyed });
    return inWords(acceptedAnswer(request.type, received));
  };
  const emailOperation = (path: string, id: string, summary: string): Operation =>
    operation({
      ...COMMON,
      path,
      id,
      summary,
      body: quickEmailSchema,
      handle: (input) => accept(emailOf(input.body, admission), input),
    });
  return [
    emailOperation('/send-email/', 'sendEmail', 'Send an e-mail'),
    emailOperation('/send-async/', 'sendAsync', 'The same: every call answers at once, and the mail follows'),
    operation({
      ...COMMON,
      path: '/send-sms/',
      id: 'sendSms',
      summary: 'Send an SMS',
      body: quickSmsSchema,
      handle: (input) => accept({ type: 'sms', ...input.body }, input),
    }),
  ];
}

/** A sender that may not stand in From is who answers go to. */
function emailOf(
  { email_to: email, email_from, ...rest }: QuickEmail,
  admission: Admission,
): NotificationRequest {
  return { type: 'email', email, ...rest, ...(email_from !== undefined && senderOf(email_from, admission)) };
}

function senderOf(from: string, admission: Admission): Pick<NotificationRequest, 'from' | 'reply_to'> {
  return admission.allowsSender(from) ? { from } : { reply_to: mailboxOf(from)?.address };
}

function inWords({ body, ...answer }: ReturnType<typeof acceptedAnswer>): Answer {
  const result = `accepted as ${body.id}: GET /v1/notifications/${body.id} says what becomes of it`;
  return { ...answer, body: { result } };
}
