import type { GmailRefusal, TokenRefusal } from './google-errors.ts';
import type { Mail, Text } from './mailbox.ts';

/** How a message is mistreated, after whatever answer the real provider would give. */
export interface Fault {
  /** Answers after so many milliseconds. */
  delayMs?: number;
  /** Cuts the connection instead of answering, once all was read. */
  drop?: true;
  /** Never answers. */
  hang?: true;
  /** It is kept all the same: the provider took it, and only its answer is lost. */
  taken?: true;
  /** Share of the messages that it meets, 0 to 1; all when not given. */
  share?: number;
}

/** How the mail server mistreats mails. */
export interface MailFault extends Fault {
  /** A refusal, and after which command. */
  refuse?: { at: 'rcpt' | 'data'; code: number; message: string };
}

/** A refusal of the SMS API. */
export interface TextRefusal {
  status: number;
  code: number;
  message: string;
  retryAfterSeconds?: number;
}

/** How the SMS API mistreats texts. */
export interface TextFault extends Fault {
  refuse?: TextRefusal;
}

/** How the Gmail API mistreats mails. */
export interface GmailFault extends Fault {
  refuse?: GmailRefusal;
}

/** How Google's token service mistreats who asks for a token. */
export interface TokenFault extends Fault {
  refuse?: TokenRefusal;
}

/** What a test may change while the sandbox runs. */
export interface Switches {
  /** Meets every mail, until it is undefined again. */
  smtpFault: MailFault | undefined;
  /** Meets every SMS, until it is undefined again. */
  smsFault: TextFault | undefined;
  /** Meets every mail by the Gmail API, until it is undefined again. */
  gmailFault: GmailFault | undefined;
  /** Meets whoever asks Google for a token, until it is undefined again. */
  tokenFault: TokenFault | undefined;
  /** Seconds that Google's access tokens hold from now on; its own when undefined. */
  tokenSeconds: number | undefined;
  /** Runs when something was taken, before its sender is told so. */
  beforeAnswer: ((item: Mail | Text) => Promise<void> | void) | undefined;
}

/** Whether a fault meets this message. */
export function meets(fault: { share?: number } | undefined): boolean {
  return fault !== undefined && (fault.share === undefined || Math.random() < fault.share);
}
