import type { Mail, Text } from './mailbox.ts';
import { fromOf, parseMail } from './read-mail.ts';

/** A line of the list. */
export interface Summary {
  kind: 'mail' | 'text';
  id: string;
  received_at: Date;
  /** Of a mail its From; where it has none, the sender of its envelope. */
  from: string;
  to: string;
  subject: string;
  snippet: string;
  /** Bytes of a mail, characters of an SMS. */
  size: number;
}

/** Characters of a text that the list shows. */
const SNIPPET = 140;

/** Made once for each item: the list is asked for whenever something arrives. */
const made = new WeakMap<Mail | Text, Promise<Summary>>();

/** Sums an item up. */
export function summaryOf(item: Mail | Text): Promise<Summary> {
  const known = made.get(item);
  if (known) return known;
  const summary = item.kind === 'mail' ? ofMail(item) : Promise.resolve(ofText(item));
  made.set(item, summary);
  return summary;
}

async function ofMail({ kind, id, received_at, envelope, raw }: Mail): Promise<Summary> {
  const parsed = await parseMail(raw);
  const { subject = '', text = '' } = parsed;
  const to = envelope.to.join(', ');
  return {
    kind,
    id,
    received_at,
    from: fromOf(parsed) || envelope.from,
    to,
    subject,
    snippet: snippet(text),
    size: raw.length,
  };
}

function ofText({ kind, id, received_at, from, to, body }: Text): Summary {
  return { kind, id, received_at, from, to, subject: '', snippet: snippet(body), size: body.length };
}

/** The beginning on one line; a character is not cut in half. */
function snippet(text: string): string {
  const line = text.slice(0, SNIPPET * 8).replace(/\s+/g, ' ');
  return Array.from(line.trim()).slice(0, SNIPPET).join('');
}
