import { MongoServerError, type Collection, type Document, type OptionalUnlessRequiredId } from 'mongodb';

/** MongoDB's code for a value that a unique index has already. */
export const DUPLICATE_KEY = 11_000;

/** Whether an insert was refused because there is one already. */
export function isDuplicate(thrown: unknown): boolean {
  return thrown instanceof MongoServerError && thrown.code === DUPLICATE_KEY;
}

/** Inserts a document; false when there is one of its id. */
export async function insertNew<T extends Document>(
  collection: Collection<T>,
  document: OptionalUnlessRequiredId<T>,
): Promise<boolean> {
  try {
    await collection.insertOne(document);
    return true;
  } catch (thrown) {
    if (isDuplicate(thrown)) return false;
    throw thrown;
  }
}
