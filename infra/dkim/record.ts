import { createPublicKey, type KeyObject } from 'node:crypto';

/** Characters that one string of a TXT record holds (RFC 1035 §3.3). */
const STRING = 255;

/** What the record of a key says (RFC 6376 §3.6.1). */
export function dkimValue(privateKey: KeyObject): string {
  const publicKey = createPublicKey(privateKey).export({ type: 'spki', format: 'der' });
  return `v=DKIM1; k=rsa; p=${publicKey.toString('base64')}`;
}

/** As zone files have it: in quoted strings, which are read as one. */
export function quoted(value: string): string {
  return (value.match(new RegExp(`.{1,${STRING}}`, 'g')) ?? []).map((part) => `"${part}"`).join(' ');
}
