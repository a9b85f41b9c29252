import { MAGIC_SENDERS } from './magic-recipients.ts';

/** The form fields of a new message, as far as we read them. */
export interface MessageFields {
  To?: string | undefined;
  From?: string | undefined;
  Body?: string | undefined;
  MessagingServiceSid?: string | undefined;
  /** Where what becomes of it is reported. */
  StatusCallback?: string | undefined;
}

/** What Twilio refuses by the fields alone, with its status, code and words. */
export interface Refusal {
  status: 400;
  code: number;
  message: string;
}

/** Characters that Twilio takes in one text. */
const MAX_BODY = 1_600;
const E164 = /^\+[1-9]\d{6,14}$/;
/** A number, a short code, or a name of up to 11 letters and digits. */
const SENDER = /^(\+[1-9]\d{6,14}|\d{3,6}|(?=.*[A-Za-z])[A-Za-z0-9 ]{1,11})$/;

/** Looks for the first thing that Twilio would refuse about a message; undefined when there is none. */
export function refusalOf(fields: MessageFields): Refusal | undefined {
  const { To, From, Body, MessagingServiceSid, StatusCallback } = fields;
  if (!To) return refusal(21604, "A 'To' phone number is required.");
  if (!From && !MessagingServiceSid) return refusal(21603, "A 'From' phone number is required.");
  if (!Body) return refusal(21602, 'Message body is required.');
  if (Body.length > MAX_BODY)
    return refusal(21617, 'The concatenated message body exceeds the 1600 character limit.');
  if (!E164.test(To)) return refusal(21211, `The 'To' number ${To} is not a valid phone number.`);
  if (StatusCallback && !URL.canParse(StatusCallback))
    return refusal(21609, `The StatusCallback URL ${StatusCallback} is not a valid URL.`);
  return From ? refusedSender(From) : undefined;
}

function refusedSender(from: string): Refusal | undefined {
  const magic = Object.hasOwn(MAGIC_SENDERS, from) ? MAGIC_SENDERS[from] : undefined;
  if (magic) return refusal(magic.code, magic.message);
  if (SENDER.test(from)) return undefined;
  return refusal(
    21606,
    `The 'From' phone number ${from} is not a valid, SMS-capable inbound phone number or short code for your account.`,
  );
}

function refusal(code: number, message: string): Refusal {
  return { status: 400, code, message };
}
