import { timingSafeEqual } from 'node:crypto';
import express, {
  Router,
  type ErrorRequestHandler,
  type Request,
  type RequestHandler,
  type Response,
} from 'express';
import { CountedFaults } from './counted-faults.ts';
import { meets, type Switches, type TextFault, type TextRefusal } from './faults.ts';
import { MAGIC_NUMBERS } from './magic-recipients.ts';
import type { Mailbox } from './mailbox.ts';
import { misbehave } from './misbehave.ts';
import type { StatusCallbacks } from './status-callbacks.ts';
import { acceptedText, messageResource } from './twilio-message.ts';
import { refusalOf, type MessageFields } from './twilio-refusals.ts';

/** The account that the API takes. */
export interface TwilioSandboxOptions {
  accountSid: string;
  authToken: string;
  mailbox: Mailbox;
  switches: Switches;
  callbacks: StatusCallbacks;
}

const API = '/2010-04-01';
const MESSAGES = `${API}/Accounts/:accountSid/Messages`;

/** The part of Twilio's API that sends and shows messages: form-encoded, basic auth, with its real answers and errors. */
export function twilioSandbox(options: TwilioSandboxOptions): Router {
  const router = Router();
  const faults = new CountedFaults();
  const form = express.urlencoded({ extended: false });
  router.use(`${API}/Accounts/:accountSid`, authenticate(options));
  router.post(`${MESSAGES}.json`, form, async (request, response) => {
    const fields = fieldsOf(request);
    const fault = faultOf(fields, options.switches, faults);
    const text = fault?.refuse ? undefined : acceptedText(fields);
    if (text && fault?.taken) options.mailbox.add({ ...text, unanswered: true });
    if (fault && (await misbehave(fault, response, sendError)) === 'answered') return;
    if (!text) return;
    if (!fault?.taken) options.mailbox.add(text);
    await options.switches.beforeAnswer?.(text);
    await options.callbacks.beforeAnswer(text, fields.StatusCallback);
    response.status(201).json(messageResource(text, options.accountSid));
    void options.callbacks.afterAnswer(text, fields.StatusCallback);
  });
  router.get(`${MESSAGES}/:messageSid.json`, (request, response) => {
    const text = options.mailbox.find(request.params.messageSid);
    if (text?.kind === 'text') response.json(messageResource(text, options.accountSid));
    else sendError(response, notFound(request));
  });
  router.use(API, (request, response) => {
    sendError(response, notFound(request));
  });
  router.use(API, answerErrors);
  return router;
}

/** Form fields; one that was given twice counts once, with its first value. */
function fieldsOf({ body }: Request): MessageFields {
  const given = Object.entries((body ?? {}) as Record<string, string | string[]>);
  return Object.fromEntries(given.map(([name, value]) => [name, Array.isArray(value) ? value[0] : value]));
}

function authenticate({ accountSid, authToken }: TwilioSandboxOptions): RequestHandler {
  const expected = Buffer.from(`Basic ${Buffer.from(`${accountSid}:${authToken}`).toString('base64')}`);
  return function checkAccount(request, response, next) {
    const given = Buffer.from(request.headers.authorization ?? '');
    const isKnown = given.length === expected.length && timingSafeEqual(given, expected);
    if (isKnown && request.params.accountSid === accountSid) {
      next();
      return;
    }
    response.set('www-authenticate', 'Basic realm="Twilio API"');
    sendError(response, { status: 401, code: 20003, message: 'Authenticate' });
  };
}

/** What befalls this SMS: a refusal first, be it switched on, Twilio's own or the magic of its number; else whatever is switched on. */
function faultOf(
  fields: MessageFields,
  { smsFault }: Switches,
  faults: CountedFaults,
): TextFault | undefined {
  const switched = meets(smsFault) ? smsFault : undefined;
  if (switched?.refuse) return switched;
  const refuse = refusalOf(fields);
  if (refuse) return { refuse };
  const magic = dueMagic(fields, faults);
  return magic?.refuse ? magic : (switched ?? magic);
}

function dueMagic({ To = '', Body = '' }: MessageFields, faults: CountedFaults): TextFault | undefined {
  const number = MAGIC_NUMBERS.find((one) => one.number === To);
  return number && faults.isDue(`${To} ${Body}`, number.times) ? number : undefined;
}

function notFound({ originalUrl }: Request): TextRefusal {
  return {
    status: 404,
    code: 20404,
    message: `The requested resource ${originalUrl.replace(/\?.*$/, '')} was not found`,
  };
}

const answerErrors: ErrorRequestHandler = (_thrown: unknown, _request, response, _next) => {
  sendError(response, { status: 400, code: 20001, message: 'The request cannot be read.' });
};

function sendError(response: Response, { status, code, message, retryAfterSeconds }: TextRefusal): void {
  if (retryAfterSeconds !== undefined) response.set('retry-after', String(retryAfterSeconds));
  response
    .status(status)
    .json({ code, message, more_info: `https://www.twilio.com/docs/errors/${code}`, status });
}
