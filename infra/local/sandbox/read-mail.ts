import type { SMTPServerDataStream } from 'smtp-server';
import PostalMime, { type Email } from 'postal-mime';
import { toError } from '../../../shared/runtime/errors.ts';

/** A mail taken apart, or why it could not be: what arrives may be anything. */
export type ParsedMail = Email & { problem?: string };

/**
 * Reads a mail to its end; undefined when it is over the server's limit, of which no more than that limit is held.
 * @throws when the connection closed before the end.
 */
export async function readMail(stream: SMTPServerDataStream): Promise<Buffer | undefined> {
  const pieces: Buffer[] = [];
  for await (const piece of stream as AsyncIterable<Buffer>) {
    if (stream.sizeExceeded) pieces.length = 0;
    else pieces.push(piece);
  }
  return stream.sizeExceeded ? undefined : Buffer.concat(pieces);
}

/** The Message-ID in the head of a mail; empty without one. */
export function messageIdOf(raw: Buffer): string {
  const end = raw.indexOf('\r\n\r\n');
  const head = raw.toString('latin1', 0, end < 0 ? raw.length : end);
  return /^message-id:\s*(\S+)/im.exec(head)?.[1] ?? '';
}

/** Takes a mail apart. One that cannot be is shown as its source, and does not take the page down with it. */
export async function parseMail(raw: Buffer): Promise<ParsedMail> {
  try {
    return await PostalMime.parse(raw);
  } catch (thrown) {
    return { headers: [], headerLines: [], attachments: [], problem: toError(thrown).message };
  }
}
