import { Readable } from 'node:stream';
import { mailboxOf, type Mailbox, type Notification } from '../contracts/index.ts';
import { mailboxField, textField } from './header-field.ts';
import { filePart, invitationPart, multipart, textPart, type Part } from './mime-part.ts';

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
  /** Its bytes; called again when another connection must take it. */
  createReadStream: () => Readable;
}

/** A mail that was just composed. */
export interface ComposedMail extends Mail {
  /** Its octets on the wire. */
  size: number;
}

/** RFC 3834: out-of-office robots leave such mail alone. */
const AUTOMATIC = 'Auto-Submitted: auto-generated';

/** What no address has in a header, where it would end the address. */
// eslint-disable-next-line no-control-regex
const NOT_IN_ADDRESS = /[\u0000-\u0020\u007f-\u00a0\u2028\u2029"(),:;<>[\]\\]+/g;

/**
 * Composes a mail that arrives as it was submitted by every server: ASCII in lines far below the 998 octets of RFC 5322 §2.1.1, with every
 * header field made by `header-field.ts` and every part by `mime-part.ts`. nodemailer's composer passes on long words, what looks like an
 * encoded word, and messages as files, just as they are; and it takes longer than sending.
 */
export function composeMail(notification: Notification, given: Sender): ComposedMail {
  const { _id, email = '', subject, reply_to } = notification;
  const sender = senderOf(notification.from ?? given.from);
  const recipient = addressIn(email);
  const messageId = messageIdOf(_id, given.domain);
  const { fields, body } = contentOf(notification);
  const lines = [
    AUTOMATIC,
    mailboxField('From', sender),
    ...(reply_to === undefined ? [] : [mailboxField('Reply-To', { address: addressIn(reply_to) })]),
    mailboxField('To', { address: recipient }),
    ...(subject === undefined ? [] : [textField('Subject', subject)]),
    `Message-ID: ${messageId}`,
    `Date: ${new Date().toUTCString().replace('GMT', '+0000')}`,
    'MIME-Version: 1.0',
    ...fields,
    '',
    body,
  ];
  const bytes = lines.join('\r\n');
  return {
    // A new one each time: connections write into it.
    getEnvelope: () => ({ from: sender.address, to: [recipient] }),
    messageId: () => messageId,
    getHeader: (name) => (name === 'message-id' ? messageId : ''),
    // Plain ones are ASCII; the connection ends the last line.
    size: bytes.length + (bytes.endsWith('\r\n') ? 0 : 2),
    createReadStream: () => new Readable({ read: sendOnce(bytes) }),
  };
}

/** Text, then HTML, then an invitation, from the plainest to the richest (RFC 2046 §5.1.4); and the files behind them. */
function contentOf({ message, html, attachments = [] }: Notification): Part {
  const invitation = invitationPart(attachments);
  const alternatives = multipart('alternative', [
    textPart('plain', message),
    ...(html === undefined ? [] : [textPart('html', html)]),
    ...(invitation ? [invitation] : []),
  ]);
  return multipart('mixed', [alternatives, ...attachments.map(filePart)]);
}

/** A record may have come in by another way than a submission: then what is left of its sender is an address. */
function senderOf(from: string): Mailbox {
  return mailboxOf(from) ?? { address: addressIn(from) };
}

function addressIn(text: string): string {
  return text.replace(NOT_IN_ADDRESS, '');
}

/** An id is a UUID of ours; whatever else came in by another way must not end the header. */
function messageIdOf(id: string, domain: string): string {
  return `<${id.replace(/[^\w.-]/g, '')}@${domain}>`;
}

function sendOnce(bytes: string): (this: Readable) => void {
  return function read() {
    this.push(bytes);
    this.push(null);
  };
}
