import SMTPPool from 'nodemailer/lib/smtp-pool';
import type { Outcome, Provider } from '../delivery/index.ts';
import type { Config } from '../runtime/config.ts';
import { connectionAdvice } from '../runtime/connection-advice.ts';
import { SECOND } from '../runtime/duration.ts';
import { codeOf, toError } from '../runtime/errors.ts';
import { codesOf } from '../verdicts/index.ts';
import { classifySmtpFailure, type SmtpFailure } from './answers.ts';
import { RepeatedRefusals } from './repeated-refusals.ts';
import { ReturnPaths } from './return-path.ts';
import { composeMail, type Mail } from './compose.ts';
import { dkimSignerOf, type MailSigner } from './dkim.ts';
import { domainOf } from './domains.ts';
import { oauthSignIn, type SmtpOAuth } from './oauth.ts';
import { NO_STARTTLS, needsTls, requiringTls } from './plain-auth.ts';
import { watch, type Watched } from './watched.ts';

/** Time to connect and be greeted, in milliseconds. Silence later is bounded by the delivery's own time-out. */
const CONNECT_TIMEOUT_MS = 10 * SECOND;
/** Octets that a DKIM signature adds to a mail, at most. */
const SIGNATURE_OCTETS = 1024;
/** Why we hang up on a server that hangs while there is another. */
const IMPATIENT = new Error('the server took too long, and there is another');

/** How to reach a mail server. */
export interface MailServerOptions {
  /** As records call it. */
  name: string;
  url: string;
  /** The From header; its domain makes the Message-IDs. */
  from: string;
  /** Where a mail comes back to; without it, to the address of From. */
  returnPath?: ((notificationId: string) => string | undefined) | undefined;
  /** Connections kept open at most. */
  connections: number;
  /** Mails of one connection at most; then it is replaced. */
  mailsPerConnection: number;
  /** Signs each mail (DKIM); none is signed without. */
  sign?: MailSigner | undefined;
  /** Sends the password of the URL without TLS, too, where the server offers none. */
  allowPlainAuth?: boolean;
  /** Signs in by access tokens, instead of the password of the URL. */
  oauth?: SmtpOAuth | undefined;
}

/** A mail server, over pooled connections; it connects with the first message. */
function createMailServer({
  name,
  url,
  from,
  returnPath,
  connections,
  mailsPerConnection,
  sign,
  allowPlainAuth = false,
  oauth,
}: MailServerOptions): Provider {
  const isTlsNeeded = needsTls(url, { allowPlainAuth });
  const pool = new SMTPPool({
    url: isTlsNeeded ? requiringTls(url) : url,
    ...(oauth && oauthSignIn(url, oauth)),
    maxConnections: connections,
    maxMessages: mailsPerConnection,
    connectionTimeout: CONNECT_TIMEOUT_MS,
    greetingTimeout: CONNECT_TIMEOUT_MS,
  });
  const domain = domainOf(from);
  const setting = name === 'smtp_backup' ? 'SMTP_BACKUP_URL' : 'SMTP_URL';
  const refusals = new RepeatedRefusals();
  const attempted = { name, setting, isTlsNeeded, refusals };
  return {
    name,
    send: async (notification, signal, patience) => {
      const composed = composeMail(notification, { from, domain });
      const size = composed.size + (sign ? SIGNATURE_OCTETS : 0);
      const signed = sign?.(composed, notification.from ?? from) ?? composed;
      const ownReturnPath = returnPath?.(notification._id);
      const ownSender = notification.from !== undefined && ownReturnPath === undefined;
      const onBody = (): void => {
        refusals.taken();
      };
      const watched = watch(signed, { returnPath: ownReturnPath, size, ownSender, onBody });
      const stop = patience ? unlessBegan(signal, patience, watched.bodyBegan) : signal;
      try {
        const reason = await handOver(pool, watched.mail, stop);
        return { kind: 'sent', provider: name, provider_message_id: watched.mail.messageId(), reason };
      } catch (thrown) {
        const ownFrom = notification.from !== undefined;
        const isImpatient = stop.reason === IMPATIENT;
        const recipient = notification.email ?? '';
        return outcomeOf(thrown, {
          ...attempted,
          watched,
          size,
          recipient,
          ownSender,
          ownFrom,
          isImpatient,
        });
      }
    },
    close: () => {
      pool.close();
      oauth?.close?.();
      return Promise.resolve();
    },
  };
}

/** A mail server by the settings: its mails are signed and come back as they say, and it has their sender where it is given none. */
export function mailServerOf(
  config: Config,
  given: Pick<MailServerOptions, 'name' | 'url' | 'oauth'> & Partial<MailServerOptions>,
): Provider {
  const paths = ReturnPaths.of(config);
  return createMailServer({
    from: config.MAIL_FROM,
    connections: config.EMAIL_CONCURRENCY,
    mailsPerConnection: config.SMTP_MAILS_PER_CONNECTION,
    returnPath: paths && ((id) => paths.for(id)),
    sign: dkimSignerOf(config),
    allowPlainAuth: config.SMTP_ALLOW_PLAIN_AUTH === '1',
    ...given,
  });
}

/**
 * Straight to nodemailer's pool: its `sendMail` would compose each mail once more, which takes three times as long as handing it over. Of a
 * mail the pool reads `data.signal`, the envelope, the Message-ID and the stream; nodemailer's version is pinned, because that is between it
 * and its own composer.
 */
function handOver(pool: SMTPPool, message: Mail, signal: AbortSignal): Promise<string> {
  type PoolMail = Parameters<SMTPPool['send']>[0];
  return new Promise((resolve, reject) => {
    pool.send({ data: { signal }, message } as unknown as PoolMail, (error, info) => {
      if (error) reject(error);
      else resolve(info?.response ?? '');
    });
  });
}

/** Aborts with the signal, and when the patience ends before the body began: then another server can still be asked. */
function unlessBegan(signal: AbortSignal, patience: AbortSignal, bodyBegan: () => boolean): AbortSignal {
  const impatient = new AbortController();
  const giveUp = (): void => {
    if (!bodyBegan()) impatient.abort(IMPATIENT);
  };
  patience.addEventListener('abort', giveUp, { once: true });
  return AbortSignal.any([signal, impatient.signal]);
}

/** What is known of an attempt that failed. */
interface Attempted extends Required<Pick<SmtpFailure, 'ownSender' | 'ownFrom'>> {
  name: string;
  /** The setting that names the server. */
  setting: string;
  isTlsNeeded: boolean;
  refusals: RepeatedRefusals;
  watched: Watched;
  /** Octets of the mail. */
  size: number;
  recipient: string;
  /** We gave up so that another server could still be asked. */
  isImpatient: boolean;
}

/** What a failed attempt means, with advice where the server could not be reached. */
function outcomeOf(thrown: unknown, attempted: Attempted): Outcome {
  const { name, setting, isTlsNeeded, watched, size, ownSender, ownFrom, isImpatient } = attempted;
  const failed = { ...failureOf(thrown, watched.bodyBegan()), ownSender, ownFrom };
  if (isTooLarge(failed)) return tooLarge(name, failed, size);
  const seen = watched.senderTaken();
  const failure = unlessRepeated(classifySmtpFailure(failed), failed, attempted);
  const advice = seen || !failure.providerFault ? undefined : connectionAdvice(thrown, setting)?.words;
  const hint = isTlsNeeded && failed.command === 'STARTTLS' ? NO_STARTTLS : advice;
  return {
    provider: name,
    ...failure,
    reason: hint === undefined ? failure.reason : `${failure.reason}. ${hint}`,
    seen,
    ...(isImpatient && !seen && { providerFault: true }),
    ...(isOverLimit(failed, seen) && { overLimit: true }),
  };
}

/** A refusal of RCPT that the server repeats for one recipient after the other is a provider fault, unless the notification chose its sender. */
function unlessRepeated(
  failure: ReturnType<typeof classifySmtpFailure>,
  { command = '', responseCode: reply = 0, status, message }: SmtpFailure,
  { refusals, recipient, ownSender, ownFrom }: Attempted,
): ReturnType<typeof classifySmtpFailure> {
  if (ownSender || ownFrom || !command.startsWith('RCPT')) return failure;
  if (failure.kind !== 'permanent' || 'codeForGood' in failure) return failure;
  if (!refusals.isAboutUs({ recipient, reply, status, message })) return failure;
  const reason = `${failure.reason}. Several recipients in a row are refused so: it is about our account or address`;
  return { kind: 'transient', code: failure.code, reason, providerFault: true };
}

/** nodemailer compares the size with what the server announced, and sends nothing of a larger mail. */
function isTooLarge({ code, command = '', responseCode }: SmtpFailure): boolean {
  return code === 'EMESSAGE' && command.startsWith('MAIL') && responseCode === undefined;
}

function tooLarge(provider: string, { message }: SmtpFailure, size: number): Outcome {
  const [allowed = '?'] = /\d+$/.exec(message) ?? [];
  const reason = `the mail has ${size} octets, and the mail server takes ${allowed} at most (SIZE): send less`;
  return { kind: 'permanent', provider, code: 'mail_too_large', reason };
}

/** Refused for now before the server had heard of the recipient: with others under way, it takes no more connections. */
function isOverLimit({ responseCode = 0, command = '' }: SmtpFailure, seen: boolean): boolean {
  if (seen || responseCode < 400 || responseCode >= 500) return false;
  return !command.startsWith('MAIL') || responseCode === 421;
}

function failureOf(thrown: unknown, bodyBegan: boolean): Omit<SmtpFailure, 'ownSender' | 'ownFrom'> {
  const error: Error & Partial<Record<'response' | 'responseCode' | 'command' | 'originalCode', unknown>> =
    toError(thrown);
  return {
    responseCode: typeof error.responseCode === 'number' ? error.responseCode : undefined,
    code: typeof error.originalCode === 'string' ? error.originalCode : codeOf(error),
    command: typeof error.command === 'string' ? error.command : undefined,
    status: typeof error.response === 'string' ? codesOf(error.response).status : undefined,
    message: error.message,
    bodyBegan,
  };
}
