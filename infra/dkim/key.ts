import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** What every receiver takes and every DNS provider has room for. */
const RSA_BITS = 2048;

/** Makes a private key that only its owner may read. @throws when the file is there. */
export function makeKey(file: string): void {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: RSA_BITS });
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  writeFileSync(file, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600, flag: 'wx' });
}
