import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

/** A secret that nobody can guess: 256 random bits, fit for an address. */
export function newSecret(): string {
  return randomBytes(32).toString('base64url');
}

/** What is stored of a secret. It has too many bits to be found by trying, so a fast digest is enough. */
export function digestOf(secret: string): string {
  return createHash('sha256').update(secret).digest('base64url');
}

/** Whether that is the digest of a secret. Digests have one length, so that comparing them takes as long whatever was sent. */
export function isDigestOf(digest: string, secret: string): boolean {
  return timingSafeEqual(Buffer.from(digest), Buffer.from(digestOf(secret)));
}
