/**
 * Does work that is told to give up after so many milliseconds, by a signal; without a time it is given none. Not AbortSignal.timeout: with a
 * listener that one is kept until its time is up, and with it the whole mail that was sent long before.
 */
export async function withPatience<T>(
  ms: number | undefined,
  work: (patience: AbortSignal | undefined) => Promise<T>,
): Promise<T> {
  if (ms === undefined) return work(undefined);
  const patience = new AbortController();
  const timer = setTimeout(() => {
    patience.abort();
  }, ms);
  try {
    return await work(patience.signal);
  } finally {
    clearTimeout(timer);
  }
}
