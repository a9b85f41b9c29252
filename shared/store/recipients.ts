import { createHash } from 'node:crypto';
import { CHANNELS, canonicalEmail, canonicalPhone, type Channel } from '../contracts/index.ts';

/**
 * The digest of a recipient, the same for every spelling of an address or number: keeps addresses out of plain sight; whoever guesses one can
 * find out that it is there. Addresses of mail are written in either case; ids of people stay as they are.
 */
export function digestOfRecipient(type: Channel, recipient: string): string {
  return createHash('sha256').update(sameFor(type, recipient)).digest('base64url');
}

function sameFor(type: Channel, recipient: string): string {
  const { recipient: field } = CHANNELS[type];
  if (field === 'email') return canonicalEmail(recipient).toLowerCase();
  return field === 'phone' ? canonicalPhone(recipient) : recipient;
}
