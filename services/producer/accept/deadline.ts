/** A caller gets an answer within 3 s, whatever MongoDB does; milliseconds. */
export const ANSWER_WITHIN_MS = 2_800;

/** The store did not answer in time. What was to be stored may be stored all the same: repeat with the same key. */
export class StoreTimeout extends Error {
  override readonly name = 'StoreTimeout';
}

/** Waits for work, but not for ever. @throws StoreTimeout after `ms`; the work itself goes on. */
export async function withDeadline<T>(work: Promise<T>, ms: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new StoreTimeout(`the store did not answer within ${ms} ms`));
    }, ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
