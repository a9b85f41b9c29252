import type { SMTPServerDataStream, SMTPServerSession } from 'smtp-server';
import { pause } from '../../../shared/runtime/backoff.ts';
import { toError } from '../../../shared/runtime/errors.ts';
import { newId } from '../../../shared/runtime/ids.ts';
import type { DeliveryReports } from './delivery-reports.ts';
import type { CountedFaults } from './counted-faults.ts';
import { meets, type MailFault, type Switches } from './faults.ts';
import { magicOf, type MagicMailbox } from './magic-recipients.ts';
import type { Mailbox } from './mailbox.ts';
import type { OpenSockets } from './open-sockets.ts';
import { readMail, replyError } from '../../../shared/smtp/incoming.ts';
import { messageIdOf } from './read-mail.ts';

/** What the handling of mails needs. */
export interface Desk {
  switches: Switches;
  mailbox: Mailbox;
  faults: CountedFaults;
  sockets: OpenSockets;
  reports: DeliveryReports;
  /** Aborts when the server stops. */
  stopping: AbortSignal;
}

/** What a mail is answered; silence is an answer too. */
export type Answer = 'accepted' | 'silence' | Error;

/** Reads a mail, decides what to answer, and keeps it when it is accepted. Never rejects. */
export async function receiveMail(
  stream: SMTPServerDataStream,
  session: SMTPServerSession,
  desk: Desk,
): Promise<Answer> {
  // The session forgets its envelope when the next mail begins.
  const { mailFrom, rcptTo } = session.envelope;
  const envelope = { from: mailFrom === false ? '' : mailFrom.address, to: rcptTo.map((to) => to.address) };
  try {
    const raw = await readMail(stream);
    if (raw === undefined) return replyError({ code: 552, message: '5.3.4 message is too large' });
    const { smtpFault, beforeAnswer } = desk.switches;
    const fault = meets(smtpFault) ? smtpFault : dueMagic(envelope.to, messageIdOf(raw), desk.faults);
    const mail = {
      kind: 'mail' as const,
      id: newId(),
      received_at: new Date(),
      envelope,
      raw,
      accepted: true as const,
    };
    if (fault?.taken) desk.mailbox.add({ ...mail, unanswered: true });
    const answer = fault && (await misbehave(fault, session, desk));
    if (answer) return answer;
    if (!fault?.taken) desk.mailbox.add(mail);
    await beforeAnswer?.(mail);
    void desk.reports.report(mail);
    return 'accepted';
  } catch (thrown) {
    // The client went away in the middle of the mail: nobody is there to read an answer.
    return toError(thrown);
  }
}

/** The first fault among the recipients that is still to be shown for this mail. */
function dueMagic(to: string[], messageId: string, faults: CountedFaults): MagicMailbox | undefined {
  for (const address of to) {
    const magic = magicOf(address);
    if (magic && faults.isDue(`${address} ${messageId}`, magic.times)) return magic;
  }
  return undefined;
}

async function misbehave(
  fault: MailFault,
  session: SMTPServerSession,
  { sockets, stopping }: Desk,
): Promise<Answer | undefined> {
  if (fault.delayMs !== undefined) await pause(fault.delayMs, stopping);
  // Stopped while it waited: the client must not believe that it was taken, nor that it was refused.
  if (fault.hang || stopping.aborted) return 'silence';
  if (fault.drop) {
    sockets.cut(session.remotePort);
    return 'silence';
  }
  return fault.refuse?.at === 'data' ? replyError(fault.refuse) : undefined;
}
