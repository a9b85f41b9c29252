import { domainToASCII } from 'node:url';
import { z } from 'zod';
import { requiredString } from './fields.ts';

/** Characters of an address, and of its part before the @ (RFC 5321 §4.5.3.1). */
const MAX_ADDRESS = 254;
const MAX_LOCAL_PART = 64;
/** Characters of one label of a domain (RFC 1035 §2.3.4). */
const MAX_LABEL = 63;

/** One atom of the part before the @: atext of RFC 5322 §3.2.3. */
const ATOM = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+";
const LOCAL_PART = new RegExp(`^${ATOM}(?:\\.${ATOM})*$`);
/** A label as submissions may write it; letters beyond ASCII become an A-label. */
const WRITTEN_LABEL = '[0-9A-Za-z\\u00a1-\\uffff-]+';
/** The shape of an address, as the documentation shows it. */
const ADDRESS = new RegExp(`^${ATOM}(?:\\.${ATOM})*@${WRITTEN_LABEL}(?:\\.${WRITTEN_LABEL})+$`);
/** A label of letters, digits and inner hyphens (RFC 5890 §2.3.1). */
const LABEL = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/;
/** What no domain holds in any spelling; `domainToASCII` would decode or cut it. */
// eslint-disable-next-line no-control-regex
const NOT_IN_DOMAIN = /[\u0000-\u002c/\u003a-\u0040\u005b-\u0060\u007b-\u00a0]/;

/**
 * The one form of an address that is stored, compared, suppressed and sent to: its domain in small letters, as A-labels (IDNA, UTS #46). The
 * part before the @ stays as it is, for its case may matter (RFC 5321 §2.4). What is no address comes back unchanged.
 */
export function canonicalEmail(text: string): string {
  const at = text.lastIndexOf('@');
  const domain = asciiDomain(text.slice(at + 1));
  return at < 0 || domain === undefined ? text : `${text.slice(0, at)}@${domain}`;
}

/** A domain in small letters, as A-labels; undefined where IDNA has none for it. */
export function asciiDomain(domain: string): string | undefined {
  if (NOT_IN_DOMAIN.test(domain)) return undefined;
  const plain = domain.toLowerCase();
  // Only what needs it: it also takes numbers for addresses of hosts.
  if (/^[a-z0-9.-]*$/.test(plain) && !/(?:^|\.)xn--/.test(plain)) return plain;
  return domainToASCII(domain) || undefined;
}

/** What is wrong with an address in its canonical form, for the person who wrote it; undefined where nothing is. */
export function emailProblem(address: string): string | undefined {
  const reason = problemOf(address);
  return reason && `must be an e-mail address such as ada@example.org: ${reason}`;
}

function problemOf(address: string): string | undefined {
  const at = address.lastIndexOf('@');
  if (at < 0) return 'it has no @';
  const [local, domain] = [address.slice(0, at), address.slice(at + 1)];
  if (address.length > MAX_ADDRESS) return `it has ${address.length} characters; at most ${MAX_ADDRESS}`;
  return localProblem(local) ?? domainProblem(domain);
}

function localProblem(local: string): string | undefined {
  if (local === '') return 'nothing is before the @';
  if (local.length > MAX_LOCAL_PART)
    return `it has ${local.length} characters before the @; at most ${MAX_LOCAL_PART}`;
  if (local.startsWith('"')) return 'quotes before the @ are not supported';
  if (/[\u0080-\uffff]/.test(local))
    return 'before the @ it must have ASCII characters only, for most mail servers take no others';
  if (/^\.|\.\.|\.$/.test(local)) return 'before the @ a dot must stand between two other characters';
  if (LOCAL_PART.test(local)) return undefined;
  return `before the @ it must not have ${named(/[^A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]/.exec(local)?.[0])}`;
}

function domainProblem(domain: string): string | undefined {
  if (domain === '') return 'nothing is behind the @';
  if (domain.startsWith('[')) return 'behind the @ it must have a domain, not the address of a host';
  const strange = NOT_IN_DOMAIN.exec(domain)?.[0];
  if (strange !== undefined) return `behind the @ it must not have ${named(strange)}`;
  if (/^\.|\.\.|\.$/.test(domain)) return 'behind the @ a dot must stand between two parts of the domain';
  if (asciiDomain(domain) !== domain) return `${domain} is not a valid international domain (IDNA)`;
  const labels = domain.split('.');
  const long = labels.find((label) => label.length > MAX_LABEL);
  if (long !== undefined) return `a part of its domain has ${long.length} characters; at most ${MAX_LABEL}`;
  const bad = labels.find((label) => !LABEL.test(label));
  if (bad !== undefined) return `${bad} must begin and end with a letter or digit`;
  if (labels.length < 2) return 'its domain must have two parts, such as example.org';
  return /^\d+$/.test(labels.at(-1) ?? '') ? 'its domain must not end with a number' : undefined;
}

/** Printable characters are named by themselves. */
function named(character = ''): string {
  return /[\x21-\x7e]/.test(character) ? character : 'spaces or control characters';
}

/**
 * An address that one mail server can be asked to deliver to (RFC 5321 §4.1.2, without quotes and addresses of hosts); read in its canonical
 * form. Documented by its pattern and not as `format: email`, of which every validator has an idea of its own.
 */
export const emailAddress = z
  .string({ error: requiredString })
  .max(MAX_ADDRESS, { error: `must be at most ${MAX_ADDRESS} characters`, abort: true })
  .overwrite(canonicalEmail)
  .regex(ADDRESS, {
    error: ({ input }) => emailProblem(String(input)) ?? 'must be an e-mail address',
    abort: true,
  })
  .refine((address) => emailProblem(address) === undefined, {
    error: ({ input }) => emailProblem(String(input)) ?? '',
  });
