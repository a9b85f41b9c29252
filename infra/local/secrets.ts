import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';

/** Reads a secret that was made at the first start, or makes it; readable by its owner only, with `mode` 0o400 also for reading only. */
export function keptSecret(file: string, make: () => string, mode = 0o600): string {
  if (!existsSync(file)) {
    // At once, so that a start that is killed here does not leave an empty one for ever.
    rmSync(`${file}.new`, { force: true });
    writeFileSync(`${file}.new`, make(), { mode });
    renameSync(`${file}.new`, file);
  }
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
