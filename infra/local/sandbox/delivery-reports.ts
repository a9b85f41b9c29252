import { setMaxListeners } from 'node:events';
import nodemailer from 'nodemailer';
import { pause } from '../../../shared/runtime/backoff.ts';
import { magicOf, type MailReport } from './magic-recipients.ts';
import type { Mail } from './mailbox.ts';

/** After the mail was taken, in milliseconds. */
const LATER_MS = 200;
const BOUNDARY = 'report-of-the-sandbox';

/** Sends delivery status notifications (RFC 3464) to the return path of mails to some magic recipients. */
export class DeliveryReports {
  readonly #port: number | undefined;
  readonly #stopping = new AbortController();

  /** `port`: where the return paths lead, on this machine; without it nothing is sent. */
  constructor(port: number | undefined) {
    this.#port = port;
    // Every report that waits listens.
    setMaxListeners(0, this.#stopping.signal);
  }

  /** Reports what becomes of a mail that was taken. */
  async report(mail: Mail): Promise<void> {
    const { from, to } = mail.envelope;
    const recipient = to.find((address) => magicOf(address)?.report);
    const report = recipient === undefined ? undefined : magicOf(recipient)?.report;
    if (this.#port === undefined || recipient === undefined || report === undefined || from === '') return;
    await pause(LATER_MS, this.#stopping.signal);
    if (this.#stopping.signal.aborted) return;
    const transport = nodemailer.createTransport({ host: '127.0.0.1', port: this.#port, ignoreTLS: true });
    // As a mail server does that nobody answers: it would try again, and we are a stand-in.
    await transport
      .sendMail({ envelope: { from: '', to: from }, raw: reportMail({ recipient, from, ...report }) })
      .catch(() => undefined);
    transport.close();
  }

  /** Sends nothing more. */
  stop(): void {
    this.#stopping.abort();
  }
}

/** A report as mail servers write it. */
export function reportMail({
  recipient,
  from,
  action,
  status,
  diagnostic,
}: MailReport & { recipient: string; from: string }): string {
  return [
    'From: Mail Delivery System <mailer-daemon@sandbox.example>',
    `To: ${from}`,
    'Subject: Delivery report',
    'Auto-Submitted: auto-replied',
    'MIME-Version: 1.0',
    `Content-Type: multipart/report; report-type=delivery-status; boundary="${BOUNDARY}"`,
    '',
    `--${BOUNDARY}`,
    'Content-Type: text/plain; charset=utf-8',
    '',
    `Your mail to ${recipient}: ${action}.`,
    '',
    `--${BOUNDARY}`,
    'Content-Type: message/delivery-status',
    '',
    'Reporting-MTA: dns; sandbox.example',
    '',
    `Final-Recipient: rfc822; ${recipient}`,
    `Action: ${action}`,
    `Status: ${status}`,
    `Diagnostic-Code: smtp; ${diagnostic}`,
    '',
    `--${BOUNDARY}--`,
    '',
  ].join('\r\n');
}
