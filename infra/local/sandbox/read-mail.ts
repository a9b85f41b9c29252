import PostalMime, { type Address, type Email } from 'postal-mime';
import { toError } from '../../../shared/runtime/errors.ts';

/** A mail taken apart, or why it could not be: what arrives may be anything. */
export type ParsedMail = Email & { problem?: string };

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

/** Whom the From of a mail names, as mail programs show it; empty where it has none. */
export function fromOf({ from }: ParsedMail): string {
  return from === undefined ? '' : inWords(from);
}

function inWords({ name, address = '', group }: Address): string {
  if (group) return `${name}: ${group.map(inWords).join(', ')};`;
  return name === '' ? address : `${name} <${address}>`;
}
