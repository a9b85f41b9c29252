import { createHash } from 'node:crypto';
import { CHANNELS, type Channel } from '../contracts/index.ts';

/**
 * The digest of a recipient: keeps addresses out of plain sight; whoever guesses one can find out that it is there. Addresses of mail are written
 * in either case, ids of people are not ours to change.
 */
export function digestOfRecipient(type: Channel, recipient: string): string {
  const same = CHANNELS[type].recipient === 'email' ? recipient.toLowerCase() : recipient;
  return createHash('sha256').update(same).digest('base64url');
}
