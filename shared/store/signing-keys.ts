import { randomBytes } from 'node:crypto';
import type { Db } from 'mongodb';
import { bounded } from './bounded.ts';
import { insertNew } from './duplicate.ts';

/**
 * A random value that all producers share, made by the first that asks. It is half of what signs access tokens: the other half is API_KEY, so
 * that neither a copy of the store nor somebody who guesses the key can sign.
 */
export async function sharedSalt(db: Db, name: string): Promise<Buffer> {
  const salts = bounded(db.collection<{ _id: string; salt: string }>('signing_keys'));
  const mine = randomBytes(32).toString('base64url');
  await insertNew(salts, { _id: name, salt: mine });
  const stored = await salts.findOne({ _id: name });
  return Buffer.from(stored?.salt ?? mine, 'base64url');
}
