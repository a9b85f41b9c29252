import MailComposer from 'nodemailer/lib/mail-composer';
import { Readable } from 'node:stream';
import type { Attachment, Notification } from '../contracts/index.ts';

/** Who sends. */
export interface Sender {
  /** The From header. */
  from: string;
  /** Makes the Message-IDs. */
  domain: string;
}

/** A mail as nodemailer's transports read it. */
export interface Mail {
  getEnvelope: () => { from: string | false; to: string[] };
  /** The same for every attempt of its notification. */
  messageId: () => string;
  getHeader: (name: string) => unknown;
  /** Its octets on the wire, where that is known without composing it. */
  size?: number;
  /** Its bytes; called again when another connection must take it. */
  createReadStream: () => Readable;
}

/** RFC 3834: out-of-office robots leave such mail alone. */
const AUTOMATIC = { 'Auto-Submitted': 'auto-generated' };

/** A sender or recipient that needs neither quotes nor encoding, with the address apart. */
const PLAIN_SENDER =
  /^(?:[A-Za-z0-9]+(?: [A-Za-z0-9]+)* <(?<named>[\w.+-]+@[a-z0-9.-]+)>|(?<bare>[\w.+-]+@[a-z0-9.-]+))$/;
const PLAIN_ADDRESS = /^[\w.+-]+@[a-z0-9.-]+$/;
/** A subject that needs neither encoding nor folding, and does not look as if it were encoded. */
const PLAIN_SUBJECT = /^(?!.*(?:=\?|"))[\x21-\x7e](?:[\x20-\x7e]{0,58}[\x21-\x7e])?$/;
/** A text that travels as it is: ASCII, in lines of at most 76 characters. */
const PLAIN_TEXT = /^(?:[\t\x20-\x7e]{0,76}\r?\n)*[\t\x20-\x7e]{0,76}$/;

/** Composes a mail: by hand where there is nothing to encode, for nodemailer's composer takes longer than the hand-over; all else is its to encode. */
export function composeMail(notification: Notification, given: Sender): Mail {
  const sender = { ...given, from: notification.from ?? given.from };
  return plainMail(notification, sender) ?? encodedMail(notification, sender);
}

function encodedMail(notification: Notification, { from, domain }: Sender): Mail {
  const { _id, email = '', subject, message, html, reply_to, attachments } = notification;
  const mail = {
    from,
    ...(reply_to !== undefined && { replyTo: { name: '', address: reply_to } }),
    to: { name: '', address: email },
    ...(subject !== undefined && { subject }),
    text: message,
    ...(html !== undefined && { html }),
    ...(attachments && { attachments: attachments.map(fileOf) }),
    messageId: messageIdOf(_id, domain),
    headers: AUTOMATIC,
    disableFileAccess: true,
    disableUrlAccess: true,
  };
  return new MailComposer(mail).compile();
}

function fileOf({ filename, content_type: contentType, content }: Attachment): object {
  return { filename, contentType, content, encoding: 'base64' };
}

/** The very bytes that nodemailer would make; undefined where it would encode anything. */
function plainMail(notification: Notification, { from, domain }: Sender): Mail | undefined {
  const { _id, email = '', subject, message, html, reply_to, attachments } = notification;
  const { named, bare } = PLAIN_SENDER.exec(from)?.groups ?? {};
  const address = named ?? bare;
  const isPlain =
    html === undefined &&
    reply_to === undefined &&
    attachments === undefined &&
    message !== '' &&
    PLAIN_ADDRESS.test(email) &&
    (subject === undefined || PLAIN_SUBJECT.test(subject)) &&
    PLAIN_TEXT.test(message);
  if (!isPlain || address === undefined) return undefined;
  const messageId = messageIdOf(_id, domain);
  const lines = [
    ...Object.entries(AUTOMATIC).map(([name, value]) => `${name}: ${value}`),
    `From: ${from}`,
    `To: ${email}`,
    ...(subject === undefined ? [] : [`Subject: ${subject}`]),
    `Message-ID: ${messageId}`,
    'Content-Transfer-Encoding: 7bit',
    `Date: ${new Date().toUTCString().replace('GMT', '+0000')}`,
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=utf-8',
    '',
    message.replace(/\r?\n/g, '\r\n'),
  ];
  const bytes = lines.join('\r\n');
  return {
    // A new one each time: connections write into it.
    getEnvelope: () => ({ from: address, to: [email] }),
    messageId: () => messageId,
    getHeader: (name) => (name === 'message-id' ? messageId : ''),
    // Plain ones are ASCII; the connection ends the last line.
    size: bytes.length + (bytes.endsWith('\r\n') ? 0 : 2),
    createReadStream: () => new Readable({ read: sendOnce(bytes) }),
  };
}

/** An id is a UUID of ours; whatever else came in by another door must not end the header. */
function messageIdOf(id: string, domain: string): string {
  return `<${id.replace(/[^\w.-]/g, '')}@${domain}>`;
}

function sendOnce(bytes: string): (this: Readable) => void {
  return function read() {
    this.push(bytes);
    this.push(null);
  };
}
