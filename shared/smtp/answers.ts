import type { Ambiguous, Permanent, Transient } from '../delivery/index.ts';
import { isHardBounce } from './hard-bounce.ts';

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
}

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
/** Answers to these are about the recipient or the message, whatever their code: they never speak against the server. */
const MESSAGE_COMMANDS = /^(RCPT|DATA)/;
/** Answers to these are about the recipient alone. */
const RECIPIENT_COMMAND = /^RCPT/;

/**
 * Puts a failed hand-over into one of our outcomes.
 *
 * | reply | stage | outcome |
 * |---|---|---|
 * | 4xx, or about our own session | any | transient |
 * | 5xx | RCPT, DATA, message; MAIL by 552, or with a sender of the notification's own | permanent |
 * | other 5xx | MAIL | transient: all mails would meet it, as with a suspended account |
 * | none | body began | ambiguous: RFC 5321 §6.1, the server may have taken it |
 * | none | before the body | transient; permanent when the client itself refused the message |
 *
 * For good, so that the address is suppressed: a permanent answer to RCPT whose enhanced status says so.
 *
 * The server's own fault: no answer before the body, or an answer about our session (MAIL is part of it), except after RCPT and DATA.
 */
export function classifySmtpFailure(
  failure: SmtpFailure,
): Omit<Transient, 'provider'> | Omit<Permanent, 'provider'> | Omit<Ambiguous, 'provider'> {
  const { responseCode, bodyBegan, message, command = '' } = failure;
  const reason = message.slice(0, 500);
  if (responseCode !== undefined) {
    const isOurs = isAboutOurSession(failure, responseCode);
    const kind = responseCode < 500 || isOurs ? 'transient' : 'permanent';
    const code = String(responseCode);
    if (kind === 'permanent') return { kind, code, reason, ...forGoodBy(failure) };
    return { kind, code, reason, ...faultOf(isOurs && !MESSAGE_COMMANDS.test(command)) };
  }
  const code = failure.code ?? 'smtp_error';
  if (bodyBegan)
    return { kind: 'ambiguous', code, reason: `connection lost after the message began: ${reason}` };
  if (NEVER_WORKS.has(code)) return { kind: 'permanent', code, reason };
  return { kind: 'transient', code, reason, ...faultOf(code !== ABORTED) };
}

function isAboutOurSession({ command = '', ownSender }: SmtpFailure, responseCode: number): boolean {
  if (OUR_OWN_TROUBLE.has(responseCode) || SESSION_COMMANDS.test(command)) return true;
  return SENDER_COMMAND.test(command) && !ownSender && responseCode !== TOO_LARGE;
}

function forGoodBy({ command = '', status = '' }: SmtpFailure): { codeForGood?: string } {
  return RECIPIENT_COMMAND.test(command) && isHardBounce(status) ? { codeForGood: status } : {};
}

function faultOf(isFault: boolean): { providerFault?: true } {
  return isFault ? { providerFault: true } : {};
}
