/** Makes an Error of whatever was thrown, for every catch. Never throws, not even for an object without `toString`. */
export function toError(thrown: unknown): Error {
  try {
    return thrown instanceof Error ? thrown : new Error(String(thrown));
  } catch {
    return new Error('something was thrown that has no text');
  }
}

/** The errno-like `code` of an error (`ECONNREFUSED`, `EENVELOPE`…), when it has one. */
export function codeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' || typeof error.code === 'number' ? String(error.code) : undefined;
}
