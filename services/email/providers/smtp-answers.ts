import type { Ambiguous, Permanent, Transient } from '../../../shared/delivery/index.ts';

/** What is known about a failed hand-over. */
export interface SmtpFailure {
  /** The server's reply code, when it replied. */
  responseCode: number | undefined;
  /** nodemailer's name of the failure, such as ECONNECTION, or the system's, such as ECONNREFUSED. */
  code: string | undefined;
  /** The command that was being answered, such as `RCPT TO`. */
  command: string | undefined;
  message: string;
  /** Whether a byte of the message was on its way, so that a server may have it although it never said so. */
  bodyBegan: boolean;
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

/** Failures found by the client before a byte was sent, that another attempt would meet again. */
const NEVER_WORKS = new Set(['EENVELOPE', 'EMESSAGE']);

/**
 * Puts a failed hand-over into one of our outcomes.
 *
 * | reply | stage | outcome |
 * |---|---|---|
 * | 4xx, or about our own session | any | transient |
 * | 5xx | MAIL, RCPT, DATA, message | permanent |
 * | none | body began | ambiguous: RFC 5321 §6.1, the server may have taken it |
 * | none | before the body | transient; permanent when the client itself refused the message |
 */
export function classifySmtpFailure(
  failure: SmtpFailure,
): Omit<Transient | Permanent | Ambiguous, 'provider'> {
  const { responseCode, bodyBegan, message } = failure;
  const reason = message.slice(0, 500);
  if (responseCode !== undefined)
    return { kind: kindOfReply(failure, responseCode), code: String(responseCode), reason };
  const code = failure.code ?? 'smtp_error';
  if (bodyBegan)
    return { kind: 'ambiguous', code, reason: `connection lost after the message began: ${reason}` };
  return { kind: NEVER_WORKS.has(code) ? 'permanent' : 'transient', code, reason };
}

function kindOfReply({ command = '' }: SmtpFailure, responseCode: number): 'transient' | 'permanent' {
  if (responseCode < 500 || OUR_OWN_TROUBLE.has(responseCode) || SESSION_COMMANDS.test(command))
    return 'transient';
  return 'permanent';
}
