import { domainToASCII } from 'node:url';
import { withoutComments } from './mail-structure.ts';

/** Types of addresses that a report may name and that mail is sent to: RFC 3464 §2.3.2, RFC 6533 §3. */
const ADDRESS_TYPES = ['rfc822', 'utf-8'];

/** Reads an address of a report, such as `rfc822; ada@example.org`; undefined where it is of another type, or none. */
export function reportedAddress(value: string | undefined): string | undefined {
  if (value === undefined) return undefined;
  const [, type, address = ''] = /^(?:([\w-]+)\s*;)?\s*(.*)$/s.exec(withoutComments(value)) ?? [];
  if (type !== undefined && !ADDRESS_TYPES.includes(type.toLowerCase())) return undefined;
  const bare = address.trim().replace(/^<(.*)>$/s, '$1');
  return bare.includes('@') ? bare : undefined;
}

/**
 * Whether a reported address is the one that was mailed. A report may give it encoded (xtext of RFC 3461 §4, `\x{…}` of RFC 6533 §3).
 * Case does not count, as on the suppression list: servers change it.
 */
export function isSameAddress(reported: string, mailed: string): boolean {
  const same = canonical(mailed);
  return [reported, decodedXtext(reported), decodedUtf8(reported)].some((one) => canonical(one) === same);
}

function canonical(address: string): string {
  const at = address.lastIndexOf('@');
  const local = address
    .slice(0, at)
    .replace(/^"(.*)"$/s, '$1')
    .replace(/\\(.)/gs, '$1');
  const domain = address.slice(at + 1).replace(/\.$/, '');
  return `${local.normalize('NFC').toLowerCase()}@${domainToASCII(domain) || domain.toLowerCase()}`;
}

/** `hexchar` of xtext is in upper case. */
function decodedXtext(text: string): string {
  return text.replace(/\+([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
}

function decodedUtf8(text: string): string {
  return text.replace(/\\x\{([0-9A-F]{2,6})\}/gi, (escape, hex: string) => {
    const code = parseInt(hex, 16);
    return code <= 0x10_ff_ff ? String.fromCodePoint(code) : escape;
  });
}
