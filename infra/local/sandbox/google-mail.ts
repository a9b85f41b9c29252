import { randomBytes } from 'node:crypto';
import type { GmailRefusal } from './google-errors.ts';
import type { Mail } from './mailbox.ts';
import { parseMail } from './read-mail.ts';

const invalid = (message: string): GmailRefusal => ({ status: 400, reason: 'invalidArgument', message });

/** An address as far as Gmail looks at it. */
const ADDRESS = /^[^\s@<>]+@[^\s@<>]+\.[^\s@<>]+$/;

/** The mail in the body of `users.messages.send`, or what Gmail says against it. */
export async function receivedMail(body: unknown): Promise<Mail | GmailRefusal> {
  const { raw } = (typeof body === 'object' && body !== null ? body : {}) as { raw?: unknown };
  if (typeof raw !== 'string' || raw === '')
    return invalid("'raw' RFC822 payload message string or uploading message via /upload/* URL required");
  if (!/^[\w-]+={0,2}$/.test(raw))
    return {
      ...invalid("Invalid value at 'raw' (TYPE_BYTES), Base64 decoding failed"),
      reason: 'badRequest',
    };
  const bytes = Buffer.from(raw, 'base64url');
  const { from, to = [], cc = [], bcc = [] } = await parseMail(bytes);
  const recipients = [...to, ...cc, ...bcc].flatMap(({ address }) =>
    address === undefined ? [] : [address],
  );
  if (recipients.length === 0) return invalid('Recipient address required');
  if (!recipients.every((address) => ADDRESS.test(address))) return invalid('Invalid To header');
  return {
    kind: 'mail',
    // As Gmail numbers its messages: 64 bits, hexadecimal.
    id: randomBytes(8).toString('hex'),
    received_at: new Date(),
    envelope: { from: from?.address ?? '', to: recipients },
    raw: bytes,
    accepted: true,
  };
}
