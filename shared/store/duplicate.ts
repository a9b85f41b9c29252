import { MongoServerError } from 'mongodb';

/** MongoDB's code for a value that a unique index has already. */
export const DUPLICATE_KEY = 11_000;

/** Whether an insert was refused because there is one already. */
export function isDuplicate(thrown: unknown): boolean {
  return thrown instanceof MongoServerError && thrown.code === DUPLICATE_KEY;
}
