import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';

/** Reads a secret that was made at the first start, or makes it; readable by its owner only. */
export function keptSecret(file: string, make: () => string): string {
  if (!existsSync(file)) writeFileSync(file, make(), { mode: 0o600 });
  return readFileSync(file, 'utf8').trim();
}

/** A fresh API key: 256 random bits. */
export function newApiKey(): string {
  return `tid_${randomBytes(32).toString('base64url')}`;
}

/** An account id in Twilio's shape, for the sandbox. */
export function newAccountSid(): string {
  return `AC${randomBytes(16).toString('hex')}`;
}
