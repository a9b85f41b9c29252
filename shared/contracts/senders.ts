import { z } from 'zod';
import { emailAddress, line } from './fields.ts';

/** A name and an address in angle brackets, or an address alone. The name has nothing that a header would have to quote. */
const MAILBOX = /^(?:(?<name>[^<>"@,;:\\()[\]]{1,200}) )?<(?<address>[^<>\s]+)>$/;

/** Who sends a mail. */
export interface Mailbox {
  name?: string;
  address: string;
}

/** Reads `Name <address>` or `address`; undefined when it is neither. */
export function mailboxOf(text: string): Mailbox | undefined {
  const { name, address = text } = MAILBOX.exec(text)?.groups ?? {};
  if (!emailAddress.safeParse(address).success) return undefined;
  return { ...(name !== undefined && { name: name.trim() }), address };
}

/** The field that says who sends: `Name <address>` or `address`. */
export const mailbox = line(320).refine((text) => mailboxOf(text) !== undefined, {
  error: 'must be an address such as ada@example.org, or Ada <ada@example.org>',
});

/** One entry of ALLOWED_SENDERS: an address, or @ and a domain for all of its addresses. */
const senderRule = z.union([emailAddress, z.string().regex(/^@[a-z0-9-]+(?:\.[a-z0-9-]+)+$/i)]);

/** Whether this is a list of addresses, and of domains with an @ before them. */
export function isSenderList(text: string): boolean {
  return rulesOf(text).every((rule) => senderRule.safeParse(rule).success);
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
    .map((rule) => rule.trim().toLowerCase())
    .filter((rule) => rule !== '');
}
