import { z } from 'zod';
import { canonicalEmail, emailProblem } from './email-address.ts';
import { ONE_LINE, line } from './fields.ts';

/** A name and an address in angle brackets, or an address alone. A name without quotes has nothing that a header would have to quote. */
const MAILBOX =
  /^(?:(?:(?<name>[^<>"@,;:\\()[\]]{1,200})|"(?<quoted>(?:[^"\\]|\\.){1,200})") )?<(?<address>[^<>\s]+)>$/;

/** Who sends a mail. */
export interface Mailbox {
  name?: string;
  address: string;
}

/** Reads `Name <address>`, `"Name" <address>` or `address`, with the address in its canonical form; undefined when it is none of them. */
export function mailboxOf(text: string): Mailbox | undefined {
  const { name, quoted, address: written = text } = MAILBOX.exec(text)?.groups ?? {};
  const address = canonicalEmail(written);
  if (emailProblem(address) !== undefined) return undefined;
  const display = quoted?.replace(/\\(.)/g, '$1') ?? name?.trim();
  return { ...(display !== undefined && { name: display }), address };
}

/** The same mailbox with its address in the canonical form; the name stays as it is written. What is no mailbox comes back unchanged. */
function canonicalMailbox(text: string): string {
  const written = MAILBOX.exec(text)?.groups?.address ?? text;
  const at = text.lastIndexOf(written);
  return text.slice(0, at) + canonicalEmail(written) + text.slice(at + written.length);
}

/** What is wrong with a mailbox; undefined where nothing is. */
function mailboxProblem(text: string): string | undefined {
  if (mailboxOf(text) !== undefined) return undefined;
  const address = MAILBOX.exec(text)?.groups?.address;
  const reason = address === undefined ? undefined : emailProblem(canonicalEmail(address));
  return reason ?? 'must be an address such as ada@example.org, or Ada <ada@example.org>';
}

/** A setting that says who sends: `Name <address>`, `"Name" <address>` or `address`; read with its address in the canonical form. */
export const senderSetting = z
  .string()
  .regex(ONE_LINE, { error: 'must be one line' })
  .overwrite(canonicalMailbox)
  .refine((text) => mailboxProblem(text) === undefined, {
    error: ({ input }) => mailboxProblem(String(input)) ?? '',
  });

/** The field that says who sends: `Name <address>` or `address`; read with its address in the canonical form. */
export const mailbox = line(320)
  .overwrite(canonicalMailbox)
  .refine((text) => !text.includes('"') && mailboxProblem(text) === undefined, {
    error: ({ input }) => mailboxProblem(String(input)) ?? 'must have no quotes around the name',
  });

/** Whether this is a list of addresses, and of domains with an @ before them. */
export function isSenderList(text: string): boolean {
  // Of a rule for a domain, what would stand before the @ is any name.
  return rulesOf(text).every(
    (rule) => emailProblem(rule.startsWith('@') ? `any${rule}` : rule) === undefined,
  );
}

/** Which addresses may stand in the From of an e-mail: that of MAIL_FROM, and those of a list. Case does not matter. */
export class AllowedSenders {
  readonly #rules: ReadonlySet<string>;

  /** `list`: as ALLOWED_SENDERS; `sender`: MAIL_FROM. */
  constructor({ list = '', sender }: { list?: string | undefined; sender: string }) {
    const own = mailboxOf(sender)?.address;
    this.#rules = new Set([...rulesOf(list), ...(own === undefined ? [] : [own.toLowerCase()])]);
  }

  /** Whether mail may go out in the name of this mailbox. */
  allows(from: string): boolean {
    const address = mailboxOf(from)?.address.toLowerCase() ?? '';
    return this.#rules.has(address) || this.#rules.has(address.slice(address.lastIndexOf('@')));
  }

  /** Why mail may not go out in the name of this mailbox; undefined when it may. */
  refusalOf(from: string): string | undefined {
    return this.allows(from)
      ? undefined
      : 'is not an allowed sender: leave it out and give a reply_to, or have it added to ALLOWED_SENDERS';
  }
}

function rulesOf(list: string): string[] {
  return list
    .split(',')
    .map((rule) => canonicalEmail(rule.trim()).toLowerCase())
    .filter((rule) => rule !== '');
}
