import type { Ambiguous, Permanent, Transient } from '../delivery/index.ts';
import { effectsOf, isAtOnce, saysSomething, smtpVerdict } from '../verdicts/index.ts';

/** What is known about a failed hand-over. */
export interface SmtpFailure {
  /** The server's reply code, when it replied. */
  responseCode: number | undefined;
  /** nodemailer's name of the failure, such as ECONNECTION, or the system's, such as ECONNREFUSED. */
  code: string | undefined;
  /** The command that was being answered, such as `RCPT TO`. */
  command: string | undefined;
  /** The enhanced status of the reply (RFC 2034), such as 5.1.1, when it has one. */
  status?: string | undefined;
  message: string;
  /** Whether a byte of the message was on its way, so that a server may have it although it never said so. */
  bodyBegan: boolean;
  /** Whether the sender that MAIL named is one that the notification chose for itself. */
  ownSender: boolean;
  /** Whether the notification chose its From header; DMARC and DKIM are about that. */
  ownFrom?: boolean;
}

/** A failure without the provider's name. */
type Failure = Omit<Transient, 'provider'> | Omit<Permanent, 'provider'> | Omit<Ambiguous, 'provider'>;

/** Replies that speak about our own account or session, not about the message: another attempt may meet a mended server. */
const OUR_OWN_TROUBLE = new Set([
  421, // service not available, closing
  530, // authentication required
  534, // authentication mechanism too weak
  535, // authentication credentials invalid
  538, // encryption required for this mechanism
]);

/** Commands that come before any message: a refusal there is about the session, whatever its code (a 554 greeting among them). */
const SESSION_COMMANDS = /^(CONN|EHLO|HELO|LHLO|STARTTLS|AUTH|API|RSET)/;

/** At MAIL the server knows our account and our sender, and nothing of the recipient or the text. */
const SENDER_COMMAND = /^MAIL/;
/** But its size, which MAIL announces (RFC 1870). */
const TOO_LARGE = 552;

/** Failures found by the client before a byte was sent, that another attempt would meet again. */
const NEVER_WORKS = new Set(['EENVELOPE', 'EMESSAGE']);
/** We hung up ourselves. Whether the server was too slow, only who hung up knows. */
const ABORTED = 'EABORT';
/** Behind these commands the server has accepted our session and our sender. */
const MESSAGE_COMMANDS = /^(RCPT|DATA)/;
/** Answers to this command are about the recipient. */
const RECIPIENT_COMMAND = /^RCPT/;

/**
 * Classifies a failed hand-off.
 *
 * | reply | stage | outcome |
 * |---|---|---|
 * | 4xx | any | transient |
 * | 5xx | session; MAIL, but for 552 and for a sender of the notification's own | transient, provider fault |
 * | 5xx | RCPT, DATA, message | by the decision table (`shared/verdicts/smtp-codes.ts`) |
 * | none | body began | ambiguous: RFC 5321 §6.1, the server may have accepted it |
 * | none | before the body | transient, provider fault; permanent when the client itself refused the message |
 *
 * Only a permanent answer to RCPT suppresses the address.
 */
export function classifySmtpFailure(failure: SmtpFailure): Failure {
  const { responseCode, bodyBegan, message } = failure;
  const reason = message.slice(0, 500);
  if (responseCode !== undefined) return classifyReply({ ...failure, responseCode }, reason);
  const code = failure.code ?? 'smtp_error';
  if (bodyBegan)
    return { kind: 'ambiguous', code, reason: `connection lost after the message began: ${reason}` };
  if (NEVER_WORKS.has(code)) return { kind: 'permanent', code, reason };
  return { kind: 'transient', code, reason, ...faultOf(code !== ABORTED) };
}

function classifyReply(failure: SmtpFailure & { responseCode: number }, reason: string): Failure {
  const { responseCode: reply, status, command = '', message } = failure;
  const named = { code: String(reply), reason };
  const { verdict, isAboutSender } = smtpVerdict({ reply, status }, message);
  const { isRetried, providerFault, suppressAfter } = effectsOf(verdict);
  // All mails meet it, unless it is about the sender and this mail has its own.
  const isFault = providerFault === true && !(isAboutSender && (failure.ownSender || failure.ownFrom));
  if (isAboutOurSession(failure))
    return { kind: 'transient', ...named, ...faultOf(isFault || !MESSAGE_COMMANDS.test(command)) };
  if (reply < 500) return { kind: 'transient', ...named, ...faultOf(isFault) };
  if (isFault || (isRetried && !providerFault)) return { kind: 'transient', ...named, ...faultOf(isFault) };
  if (suppressAfter === undefined || !RECIPIENT_COMMAND.test(command)) return { kind: 'permanent', ...named };
  return {
    kind: 'permanent',
    ...named,
    codeForGood: saysSomething(status) ? status : named.code,
    ...(!isAtOnce(suppressAfter) && { suppressAfter }),
  };
}

function isAboutOurSession({ command = '', ownSender, responseCode = 0 }: SmtpFailure): boolean {
  if (OUR_OWN_TROUBLE.has(responseCode) || SESSION_COMMANDS.test(command)) return true;
  return SENDER_COMMAND.test(command) && !ownSender && responseCode !== TOO_LARGE;
}

function faultOf(isFault: boolean): { providerFault?: true } {
  return isFault ? { providerFault: true } : {};
}
