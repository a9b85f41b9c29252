import { randomBytes, timingSafeEqual } from 'node:crypto';
import express, { Router, type Request, type RequestHandler, type Response } from 'express';
import { pause } from '../../../shared/runtime/backoff.ts';
import { segmentsOf } from '../../../shared/contracts/index.ts';
import { CountedFaults } from './counted-faults.ts';
import { MAGIC_NUMBERS, MAGIC_SENDERS } from './magic-recipients.ts';
import type { Mailbox } from './mailbox.ts';

/** An answer that every SMS gets, until it is switched off. */
export interface SmsFault {
  status: number;
  code: number;
  message: string;
  retryAfterSeconds?: number;
}

/** The account that the API takes. */
export interface TwilioSandboxOptions {
  accountSid: string;
  authToken: string;
  mailbox: Mailbox;
  /** The answer that every SMS gets now, if any. */
  fault: () => SmsFault | undefined;
}

/** Characters that Twilio takes in one text. */
const MAX_BODY = 1_600;

/** The part of Twilio's API that sends and shows messages: form-encoded, basic auth, with its real answers and errors. */
export function twilioSandbox(options: TwilioSandboxOptions): Router {
  const router = Router();
  const faults = new CountedFaults();
  const messages = new Map<string, object>();
  const path = '/2010-04-01/Accounts/:accountSid/Messages';
  router.use('/2010-04-01', authenticate(options));
  router.post(`${path}.json`, express.urlencoded({ extended: false }), async (request, response) => {
    const fields = (request.body ?? {}) as Record<string, string | undefined>;
    const fault = options.fault() ?? refusalOf(fields) ?? (await magic(fields, faults, response));
    if (fault === 'cut') return;
    if (fault) {
      sendError(response, fault);
      return;
    }
    const message = accept(fields, options);
    messages.set(message.sid, message);
    response.status(201).json(message);
  });
  router.get(`${path}/:messageSid.json`, (request: Request, response: Response) => {
    const message = messages.get(String(request.params.messageSid));
    if (message) response.json(message);
    else
      sendError(response, {
        status: 404,
        code: 20404,
        message: `The requested resource ${request.path} was not found`,
      });
  });
  return router;
}

function authenticate({ accountSid, authToken }: TwilioSandboxOptions): RequestHandler {
  const expected = Buffer.from(`Basic ${Buffer.from(`${accountSid}:${authToken}`).toString('base64')}`);
  return function checkAccount(request, response, next) {
    const given = Buffer.from(request.headers.authorization ?? '');
    if (given.length === expected.length && timingSafeEqual(given, expected)) next();
    else sendError(response, { status: 401, code: 20003, message: 'Authenticate' });
  };
}

/** What Twilio refuses by the fields alone. */
function refusalOf({ To, From, Body }: Record<string, string | undefined>): SmsFault | undefined {
  const refuse = (code: number, message: string): SmsFault => ({ status: 400, code, message });
  if (!To) return refuse(21604, "A 'To' phone number is required.");
  if (!From) return refuse(21603, "A 'From' phone number is required.");
  if (!Body) return refuse(21602, 'Message body is required.');
  if (Body.length > MAX_BODY)
    return refuse(21617, 'The concatenated message body exceeds the 1600 character limit.');
  if (!/^\+[1-9]\d{6,14}$/.test(To))
    return refuse(21211, `The 'To' number ${To} is not a valid phone number.`);
  const sender = MAGIC_SENDERS[From];
  return sender && refuse(sender.code, sender.message);
}

/** The faults of the magic numbers. */
async function magic(
  { To = '', Body = '' }: Record<string, string | undefined>,
  faults: CountedFaults,
  response: Response,
): Promise<SmsFault | 'cut' | undefined> {
  const number = MAGIC_NUMBERS.find((one) => one.number === To);
  if (!number || !faults.isDue(`${To} ${Body}`, number.times)) return undefined;
  if (number.delayMs !== undefined) await pause(number.delayMs);
  if (!number.drop) return number.refuse;
  response.socket?.destroy();
  return 'cut';
}

function accept(
  { To = '', From = '', Body = '' }: Record<string, string | undefined>,
  { accountSid, mailbox }: TwilioSandboxOptions,
): { sid: string } & Record<string, unknown> {
  const sid = `SM${randomBytes(16).toString('hex')}`;
  const now = new Date();
  const segments = segmentsOf(Body).count;
  mailbox.add({ kind: 'text', id: sid, received_at: now, from: From, to: To, body: Body, segments });
  const uri = `/2010-04-01/Accounts/${accountSid}/Messages/${sid}`;
  return {
    sid,
    ...{
      account_sid: accountSid,
      api_version: '2010-04-01',
      body: Body,
      from: From,
      to: To,
      direction: 'outbound-api',
    },
    ...{ date_created: now.toUTCString(), date_updated: now.toUTCString(), date_sent: null },
    ...{ error_code: null, error_message: null, messaging_service_sid: null, num_media: '0' },
    ...{
      num_segments: String(segments),
      price: null,
      price_unit: 'USD',
      status: 'queued',
      uri: `${uri}.json`,
    },
    subresource_uris: { media: `${uri}/Media.json` },
  };
}

function sendError(response: Response, { status, code, message, retryAfterSeconds }: SmsFault): void {
  if (retryAfterSeconds !== undefined) response.set('retry-after', String(retryAfterSeconds));
  response
    .status(status)
    .json({ code, message, more_info: `https://www.twilio.com/docs/errors/${code}`, status });
}
