import { MongoServerError } from 'mongodb';
import { SECOND } from '../../runtime/duration.ts';

/** How long MongoDB looks for what a person asks for, in milliseconds; shorter than a caller waits for an answer. */
export const SEARCH_WITHIN_MS = 2 * SECOND;

/** It took too long, for what is asked for is rare among too many records. */
export class SearchTooWide extends Error {
  override readonly name = 'SearchTooWide';
}

/** Passes on what a call with `maxTimeMS` answers. @throws SearchTooWide when that time was over. */
export async function inReach<T>(asked: Promise<T>): Promise<T> {
  try {
    return await asked;
  } catch (thrown) {
    if (thrown instanceof MongoServerError && thrown.codeName === 'MaxTimeMSExpired')
      throw new SearchTooWide(`no answer within ${SEARCH_WITHIN_MS} ms`);
    throw thrown;
  }
}
