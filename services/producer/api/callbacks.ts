import { validateRequest } from 'twilio/lib/webhooks/webhooks.js';
import { z } from 'zod';
import {
  INBOUND_PATH,
  inboundUrl,
  statusCallbackFor,
  statusCallbackUrl,
  STATUS_CALLBACK_PATH,
} from '../../../shared/contracts/index.ts';
import type { ProducerContext } from '../context.ts';
import { MAX_REPORT_BYTES, type Received } from '../callbacks/bounces.ts';
import { hearText } from '../callbacks/inbound-text.ts';
import { feedbackOf } from '../callbacks/twilio-status.ts';
import { BODY_PROBLEMS, operation, type Operation } from './operation.ts';
import { Problem } from './problem.ts';

const TAG = 'Feedback of providers';

/** What is answered: whether something has changed. */
const heardSchema = z
  .object({
    heard: z
      .enum(['moved', 'waits', 'unchanged'])
      .describe(
        'moved: the record went there; waits: it is kept until the record is that far; unchanged: the record is beyond it, or this says nothing final',
      ),
    why: z.string().optional().describe('Why it changes nothing'),
  })
  .meta({ id: 'Heard' });

/** A mail as it came, byte by byte. */
const mailSchema = z
  .custom<Buffer>((value) => Buffer.isBuffer(value), { error: 'must be a mail' })
  .meta({ override: { type: 'string' }, description: 'The mail as it came, with its header' });

const word = z.string().max(64);
const statusCallbackSchema = z.looseObject({
  MessageSid: word.min(1, { error: 'must not be empty' }),
  MessageStatus: word.min(1, { error: 'must not be empty' }).meta({ example: 'delivered' }),
  ErrorCode: word.optional().meta({ example: '30005' }),
  ErrorMessage: z.string().max(2_000).optional(),
});

const inboundTextSchema = z.looseObject({
  From: word.min(1, { error: 'must not be empty' }).meta({ example: '+12025550123' }),
  Body: z.string().max(2_000).optional().meta({ example: 'STOP' }),
  OptOutType: word.optional().meta({ description: 'What Twilio took it for: STOP, START or HELP' }),
});
/** An answer to Twilio that sends nothing: Twilio itself answers STOP, START and HELP. */
const EMPTY_TWIML = '<?xml version="1.0" encoding="UTF-8"?><Response></Response>';

/** What providers report after the hand-over. */
export function callbackOperations(context: ProducerContext): Operation[] {
  return [twilioStatus(context), twilioInbound(context), mailReport(context)];
}

function twilioStatus({ config, feedback, log }: ProducerContext): Operation {
  return operation({
    method: 'post',
    path: STATUS_CALLBACK_PATH,
    id: 'reportSmsStatus',
    needs: 'nobody',
    tag: TAG,
    summary: 'For Twilio: what became of an SMS. Open to whoever signs as Twilio does',
    takes: 'form',
    maxBodyBytes: 64 * 1024,
    query: z.object({ id: z.string().max(64).meta({ description: 'Id of the notification' }) }),
    headers: z.object({ 'X-Twilio-Signature': z.string().optional() }),
    body: statusCallbackSchema,
    answer: { status: 200, description: 'It is in the store', schema: heardSchema },
    problems: [...BODY_PROBLEMS, 'forbidden', 'not_found'],
    handle: async ({ query: { id }, body, rawBody, headers }) => {
      const base = statusCallbackUrl(config);
      const address = base === undefined ? undefined : statusCallbackFor(base, id);
      requireSignature({ config, log }, address, { given: headers['x-twilio-signature'], form: rawBody });
      const said = feedbackOf(id, body);
      const heard = said ? await feedback.hear(said) : 'unchanged';
      if (heard === 'missing') throw new Problem('not_found', { detail: `There is no notification ${id}.` });
      return { status: 200, body: { heard } };
    },
  });
}

function twilioInbound(context: ProducerContext): Operation {
  const { config, log } = context;
  return operation({
    method: 'post',
    path: INBOUND_PATH,
    id: 'receiveSms',
    needs: 'nobody',
    tag: TAG,
    summary:
      'For Twilio: a text of a recipient. STOP suppresses the number, START removes that. Open to whoever signs as Twilio does',
    takes: 'form',
    maxBodyBytes: 64 * 1024,
    headers: z.object({ 'X-Twilio-Signature': z.string().optional() }),
    body: inboundTextSchema,
    answer: {
      status: 200,
      description: 'It is in the store. TwiML without an instruction: nothing is answered to the recipient',
      schema: z.string().meta({ example: EMPTY_TWIML }),
      mediaType: 'text/xml',
    },
    problems: [...BODY_PROBLEMS, 'forbidden', 'not_found'],
    handle: async ({ body, rawBody, headers }) => {
      const given = { given: headers['x-twilio-signature'], form: rawBody };
      requireSignature({ config, log }, inboundUrl(config), given);
      await hearText(context, body);
      return { status: 200, body: EMPTY_TWIML, headers: { 'content-type': 'text/xml; charset=utf-8' } };
    },
  });
}

/**
 * Twilio signs the very address that it was given, which only the settings know: a proxy may have changed the one that we see.
 * @throws Problem where it is not signed so, or nothing is received here.
 */
function requireSignature(
  { config, log }: Pick<ProducerContext, 'config' | 'log'>,
  address: string | undefined,
  { given, form }: { given: string | string[] | undefined; form: unknown },
): void {
  const { TWILIO_AUTH_TOKEN: token } = config;
  if (address === undefined || token === undefined)
    throw new Problem('not_found', {
      detail:
        'Nothing is received here: set TWILIO_AUTH_TOKEN, and PUBLIC_URL with https (or TWILIO_STATUS_CALLBACK_URL, TWILIO_INBOUND_URL).',
    });
  // What is behind a # is for Twilio itself (connection overrides), and is not requested.
  const addresses = new Set([address, address.replace(/#.*$/, '')]);
  const isSigned = [...addresses].some((one) =>
    validateRequest(token, String(given ?? ''), one, form as Record<string, unknown>),
  );
  if (isSigned) return;
  // For the log only: the address may have a password in it, or a token behind its question mark.
  const { origin, pathname } = new URL(address);
  log.info('a callback was not signed as Twilio signs', { address: `${origin}${pathname}` });
  throw new Problem('forbidden', {
    detail:
      'X-Twilio-Signature does not fit the body and the address that Twilio was given. Is TWILIO_STATUS_CALLBACK_URL, TWILIO_INBOUND_URL or PUBLIC_URL the address that it calls?',
  });
}

function mailReport({ bounces }: ProducerContext): Operation {
  return operation({
    method: 'post',
    path: '/v1/callbacks/email/dsn',
    id: 'reportMail',
    needs: ['feedback'],
    tag: TAG,
    summary: 'For a mail server: a mail that came back to a return path under BOUNCE_DOMAIN',
    takes: 'mail',
    maxBodyBytes: MAX_REPORT_BYTES,
    query: z.object({
      recipient: z.string().max(254).optional().meta({
        description:
          'The address that it came to; without it, the first of its header that is a return path of ours',
      }),
    }),
    body: mailSchema,
    answer: { status: 200, description: 'It is in the store', schema: heardSchema },
    problems: [...BODY_PROBLEMS, 'not_found'],
    handle: async ({ query: { recipient }, body }) => {
      if (!bounces)
        throw new Problem('not_found', {
          detail: 'Mail has no return path of its own: BOUNCE_DOMAIN and BOUNCE_SECRET are needed.',
        });
      // An unescaped + arrives as a space, and no return path has a space.
      return { status: 200, body: heardOf(await bounces.receive(body, recipient?.replaceAll(' ', '+'))) };
    },
  });
}

/** @throws Problem where the mail is about no notification. */
function heardOf(received: Received): object {
  switch (received.outcome) {
    case 'nothing_final':
    case 'not_understood':
      return { heard: 'unchanged', why: received.why };
    case 'no_marker':
      throw new Problem('validation_failed', { errors: [NO_RETURN_PATH] });
    case 'heard':
      // Its return path is signed, so it was ours. A mail server that hears an error would send it again for days.
      return received.heard === 'missing'
        ? { heard: 'unchanged', why: 'this notification is not kept any more' }
        : { heard: received.heard };
  }
}

const NO_RETURN_PATH = {
  field: 'recipient',
  message: 'must be the return path of a mail that was sent: bounce+<id>-<signature>@BOUNCE_DOMAIN',
};
