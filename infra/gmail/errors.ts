/** Consent did not come about; the message says why and what to do. */
export class ConnectError extends Error {
  override readonly name = 'ConnectError';
}
