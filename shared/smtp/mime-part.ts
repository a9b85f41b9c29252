import { isAscii, isUtf8 } from 'node:buffer';
import { randomUUID } from 'node:crypto';
import { encode, wrap } from 'nodemailer/lib/qp';
import type { Attachment } from '../contracts/index.ts';
import { parameterField } from './header-field.ts';

/** A part of a mail (RFC 2045): ASCII in lines of at most 76 characters, so that every server takes it. */
export interface Part {
  /** Its header fields, without line ends behind them. */
  fields: string[];
  body: string;
}

/** Characters of a line of a body. */
const LINE_CHARS = 76;
/** A text that travels as it is. */
const SEVEN_BIT = new RegExp(
  `^(?:[\\t\\x20-\\x7e]{0,${LINE_CHARS}}\\r\\n)*[\\t\\x20-\\x7e]{0,${LINE_CHARS}}$`,
);
/** A type and its parameters as submissions may declare them. */
const DECLARED_TYPE = /^[\w.+-]+\/[\w.+-]+(?:; ?[\w-]+=[\w.+-]+)*$/;
/** Types of which RFC 2046 §5 forbids the encoding that alone keeps every byte; a reader would take them apart. */
const COMPOSITE = /^(?:message|multipart)\//i;
/** What says nothing about its bytes, and is saved as it is. */
const ANY_BYTES = 'application/octet-stream';
const TEXT = /^text\//i;
const CHARSET = /;\s*charset=/i;
const INVITATION = /^text\/calendar;(?:.*;)? ?method=/i;

/** A text part of this subtype. Its line ends are CRLF, whatever they were. */
export function textPart(subtype: 'plain' | 'html', text: string): Part {
  const lines = text.replace(/\r\n|\r|\n/g, '\r\n');
  const type = [`text/${subtype}`, 'charset=utf-8'];
  if (SEVEN_BIT.test(lines)) return part(type, '7bit', lines);
  const [quoted, base64] = [wrap(encode(lines), LINE_CHARS), inLines(Buffer.from(lines).toString('base64'))];
  return quoted.length <= base64.length
    ? part(type, 'quoted-printable', quoted)
    : part(type, 'base64', base64);
}

/** A file, byte for byte. A message or multipart travels as bytes of no type, for RFC 2046 §5 would have it sent as it is. */
export function filePart({ filename, content_type, content }: Attachment): Part {
  const declared = DECLARED_TYPE.test(content_type) && !COMPOSITE.test(content_type);
  const file = part(typeOf(declared ? content_type : ANY_BYTES, content), 'base64', inLines(content));
  return {
    ...file,
    fields: [...file.fields, parameterField('Content-Disposition', ['attachment'], { filename })],
  };
}

/** The one invitation among files as an alternative to the text (RFC 6047 §2.4), so that mail programs show it; undefined unless there is exactly one. */
export function invitationPart(files: readonly Attachment[]): Part | undefined {
  const [invitation, ...more] = files.filter(isInvitation);
  if (invitation === undefined || more.length > 0) return undefined;
  const { content_type, content } = invitation;
  return part(typeOf(content_type, content), 'base64', inLines(content));
}

/** By its bytes too: what no mail program can read must not take the place of the text. */
function isInvitation({ content_type, content }: Attachment): boolean {
  if (!INVITATION.test(content_type)) return false;
  const bytes = Buffer.from(content, 'base64');
  return isUtf8(bytes) && /^BEGIN:VCALENDAR\r?\n/i.test(bytes.subarray(0, 20).toString('latin1'));
}

/** Several parts in one; a single one stays alone. */
export function multipart(subtype: 'alternative' | 'mixed', parts: readonly [Part, ...Part[]]): Part {
  if (parts.length === 1) return parts[0];
  // No line of an encoded part can begin so (RFC 2045 §6.7), and none of a text by chance.
  const boundary = `=_${randomUUID()}`;
  const bodies = parts.map(
    ({ fields, body }) => `--${boundary}\r\n${fields.join('\r\n')}\r\n\r\n${body}\r\n`,
  );
  return {
    fields: [parameterField('Content-Type', [`multipart/${subtype}`, `boundary="${boundary}"`])],
    body: `${bodies.join('')}--${boundary}--\r\n`,
  };
}

function part(type: readonly string[], encoding: string, body: string): Part {
  return {
    fields: [parameterField('Content-Type', type), `Content-Transfer-Encoding: ${encoding}`],
    body,
  };
}

/** A declared type in its tokens; a text of UTF-8 that does not say its charset does so here, for otherwise it would be read as ASCII. */
function typeOf(declared: string, content: string): string[] {
  const isSilentText = TEXT.test(declared) && !CHARSET.test(declared);
  const needsCharset = isSilentText && isBeyondAscii(Buffer.from(content, 'base64'));
  return [...declared.split(/; ?/), ...(needsCharset ? ['charset=utf-8'] : [])];
}

function isBeyondAscii(bytes: Buffer): boolean {
  return isUtf8(bytes) && !isAscii(bytes);
}

function inLines(base64: string): string {
  return base64.replace(/\s+/g, '').replace(/.{76}(?=.)/g, '$&\r\n');
}
