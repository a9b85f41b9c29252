/**
 * Waits for something to become true: looks at once, then every 20 ms, after a second every 50 ms, for looking takes from what it waits for.
 * Fails after `timeoutMs` with what was last seen.
 * Returns the first truthy value.
 */
export async function until<T>(
  look: () => Promise<T | undefined | false> | T | undefined | false,
  timeoutMs = 15_000,
): Promise<T> {
  const startedAt = Date.now();
  const deadline = startedAt + timeoutMs;
  let last: unknown;
  while (Date.now() < deadline) {
    const seen = await look();
    if (seen !== undefined && seen !== false) return seen;
    last = seen;
    await new Promise((resolve) => setTimeout(resolve, Date.now() - startedAt < 1_000 ? 20 : 50));
  }
  throw new Error(
    `not so within ${timeoutMs} ms; last seen: ${String(last)}; looked for: ${look.toString().slice(0, 200)}`,
  );
}
