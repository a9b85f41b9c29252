import type { SMTPServerDataStream } from 'smtp-server';

/**
 * Reads a mail to its end; undefined when it is over the server's limit, of which no more than that limit is held.
 * @throws when the connection closed before the end.
 */
export async function readMail(stream: SMTPServerDataStream): Promise<Buffer | undefined> {
  const pieces: Buffer[] = [];
  for await (const piece of stream as AsyncIterable<Buffer>) {
    if (stream.sizeExceeded) pieces.length = 0;
    else pieces.push(piece);
  }
  return stream.sizeExceeded ? undefined : Buffer.concat(pieces);
}

/** An error that smtp-server answers with this code and message. */
export function replyError({ code, message }: { code: number; message: string }): Error {
  return Object.assign(new Error(message), { responseCode: code });
}
