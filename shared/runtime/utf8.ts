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

/** Bytes that are checked in one go. */
const BLOCK = 4_096;
/** Bytes of a character. */
const SIZES = [1, 2, 3, 4];

/** Where the first sequence begins that is no character: found block by block, and in its block character by character. */
function firstWrongByte(bytes: Uint8Array): number {
  let at = 0;
  while (at < bytes.length) {
    const block = bytes.subarray(at, characterStart(bytes, Math.min(at + BLOCK, bytes.length)));
    if (!isUtf8(block)) return at + firstWrongOf(block);
    at += block.length;
  }
  return at;
}

function firstWrongOf(block: Uint8Array): number {
  let at = 0;
  for (;;) {
    const size = SIZES.find((one) => at + one <= block.length && isUtf8(block.subarray(at, at + one)));
    if (size === undefined) return at;
    at += size;
  }
}

/** The place of a character's first byte, at most three before. */
function characterStart(bytes: Uint8Array, end: number): number {
  const isInside = (at: number): boolean => ((bytes[at] ?? 0) & 0xc0) === 0x80;
  const back = [0, 1, 2, 3].find((count) => !isInside(end - count)) ?? 0;
  return end - back;
}
