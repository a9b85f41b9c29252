import { isUtf8 } from 'node:buffer';

/** Bytes that are no UTF-8 text. */
export class NotUtf8 extends Error {
  override readonly name = 'NotUtf8';
  /** Where the first wrong byte is; the first byte of the text is 0. */
  readonly offset: number;

  constructor(bytes: Uint8Array) {
    const offset = firstWrongByte(bytes);
    const byte = (bytes[offset] ?? 0).toString(16).padStart(2, '0');
    super(`byte ${offset} (0x${byte}) is not UTF-8: save or send the text as UTF-8`);
    this.offset = offset;
  }
}

/** A byte order mark, which editors and spreadsheets write and nobody reads. */
const BOM = '\ufeff';

/**
 * Decodes UTF-8 without replacing anything, and drops a byte order mark. Every text that comes in from outside is read here: a lenient
 * decoder stores U+FFFD in place of letters, and nobody hears of it.
 * @throws NotUtf8 with the offset of the first wrong byte.
 */
export function decodeUtf8(bytes: Uint8Array): string {
  if (!isUtf8(bytes)) throw new NotUtf8(bytes);
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  return text.startsWith(BOM) ? text.slice(1) : text;
}

/** Where the bytes differ from what a lenient decoder makes of them: it writes U+FFFD there. */
function firstWrongByte(bytes: Uint8Array): number {
  const replaced = Buffer.from(Buffer.from(bytes).toString('utf8'));
  const offset = bytes.findIndex((byte, at) => byte !== replaced[at]);
  return offset === -1 ? bytes.length : offset;
}
