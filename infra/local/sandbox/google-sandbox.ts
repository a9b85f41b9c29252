import express, {
  Router,
  type ErrorRequestHandler,
  type Request,
  type RequestHandler,
  type Response,
} from 'express';
import { CountedFaults } from './counted-faults.ts';
import { meets, type GmailFault, type Switches } from './faults.ts';
import { TOKEN_SECONDS, type GoogleAccount } from './google-account.ts';
import { consentPage } from './google-consent.ts';
import {
  NO_SCOPE,
  sendGmailError,
  sendTokenError,
  UNAUTHENTICATED,
  type GmailRefusal,
} from './google-errors.ts';
import { receivedMail } from './google-mail.ts';
import { grant, type TokenForm } from './google-tokens.ts';
import { gmailMagicOf } from './google-magic.ts';
import type { Mail, Mailbox } from './mailbox.ts';
import { misbehave } from './misbehave.ts';
import { messageIdOf } from './read-mail.ts';

/** What it is made of. */
export interface GoogleSandboxOptions {
  google: GoogleAccount;
  mailbox: Mailbox;
  switches: Switches;
}

/** Either scope lets send. */
const MAY_SEND =
  /(^| )https:\/\/(www\.googleapis\.com\/auth\/gmail\.(send|compose|modify)|mail\.google\.com\/)( |$)/;
/** What Gmail takes in one request. */
const MAX_BODY = '36mb';

/** The part of Google that sends mail: consent, tokens, `users.messages.send`, under its real paths and with its real errors. */
export function googleSandbox(options: GoogleSandboxOptions): Router {
  const router = Router();
  const faults = new CountedFaults();
  router.use(consentPage(options.google));
  router.post('/token', express.urlencoded({ extended: false }), giveToken(options));
  router.use('/gmail/v1/users/:userId', (request, response, next) => {
    const scope = options.google.scopeOfAccess(bearerOf(request));
    if (scope === undefined) sendGmailError(response, UNAUTHENTICATED);
    else if (request.path !== '/messages/send' || !MAY_SEND.test(scope)) sendGmailError(response, NO_SCOPE);
    else next();
  });
  router.post(
    '/gmail/v1/users/:userId/messages/send',
    express.json({ limit: MAX_BODY }),
    async (request, response) => {
      const mail = await receivedMail(request.body);
      if ('reason' in mail) sendGmailError(response, mail);
      else await take(mail, faults, options, response);
    },
  );
  router.use('/gmail', (_request, response) => {
    sendGmailError(response, { status: 404, reason: 'notFound', message: 'Requested entity was not found.' });
  });
  router.use(['/gmail', '/token'], answerErrors);
  return router;
}

function giveToken({ google, switches }: GoogleSandboxOptions): RequestHandler {
  return async function answerToken(request, response) {
    google.asked += 1;
    const { tokenFault } = switches;
    if (tokenFault && (await misbehave(tokenFault, response, sendTokenError)) === 'answered') return;
    const granted = await grant(
      (request.body ?? {}) as TokenForm,
      google,
      `http://${request.headers.host ?? ''}/token`,
    );
    if ('error' in granted) {
      sendTokenError(response, granted);
      return;
    }
    const expires_in = switches.tokenSeconds ?? TOKEN_SECONDS;
    const access_token = google.newAccessToken(granted.scope, expires_in);
    response
      .set('cache-control', 'no-store')
      .json({ access_token, expires_in, token_type: 'Bearer', ...granted });
  };
}

async function take(
  mail: Mail,
  faults: CountedFaults,
  { mailbox, switches }: GoogleSandboxOptions,
  response: Response,
): Promise<void> {
  const fault = meets(switches.gmailFault) ? switches.gmailFault : dueMagic(mail, faults);
  if (fault?.taken) mailbox.add({ ...mail, unanswered: true });
  if (fault && (await misbehave(fault, response, sendGmailError)) === 'answered') return;
  if (!fault?.taken) mailbox.add(mail);
  await switches.beforeAnswer?.(mail);
  response.json({ id: mail.id, threadId: mail.id, labelIds: ['SENT'] });
}

/** The first fault among the recipients that is still to be shown for this mail. */
function dueMagic({ envelope, raw }: Mail, faults: CountedFaults): GmailFault | undefined {
  for (const address of envelope.to) {
    const magic = gmailMagicOf(address);
    if (magic && faults.isDue(`${address} ${messageIdOf(raw)}`, magic.times)) return magic;
  }
  return undefined;
}

function bearerOf({ headers }: Request): string {
  return /^Bearer (\S+)$/.exec(headers.authorization ?? '')?.[1] ?? '';
}

const answerErrors: ErrorRequestHandler = (_thrown: unknown, _request, response, _next) => {
  const refusal: GmailRefusal = { status: 400, reason: 'parseError', message: 'Parse Error' };
  sendGmailError(response, refusal);
};
