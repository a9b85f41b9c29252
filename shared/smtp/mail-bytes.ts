import { buffer } from 'node:stream/consumers';
import type { Mail } from './compose.ts';

/** Lone ends of lines, which a connection would make CRLF of. */
const LINE_END = /\r\n|\r|\n/g;

/** A whole mail as it goes over the wire, every line ended by CRLF: what is signed, or handed over in one piece. Needs as much memory as the mail. */
export async function mailBytes(mail: Mail): Promise<Buffer> {
  // One character a byte, so that no encoding is touched.
  const text = (await buffer(mail.createReadStream())).toString('latin1').replace(LINE_END, '\r\n');
  return Buffer.from(text.endsWith('\r\n') ? text : `${text}\r\n`, 'latin1');
}
