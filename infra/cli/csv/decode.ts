import { usageError } from '../exit.ts';

/** An encoding that is read. `bytesOf`: how many bytes a decoded text had. */
interface Encoding {
  label: string;
  name: string;
  bytesOf: (text: string) => number;
}

const UTF_8: Encoding = { label: 'utf-8', name: 'UTF-8', bytesOf: (text) => Buffer.byteLength(text) };
/** Excel's "Unicode Text", and PowerShell's `>`. */
const UTF_16LE: Encoding = { label: 'utf-16le', name: 'UTF-16LE', bytesOf: (text) => 2 * text.length };
const UTF_16BE: Encoding = { ...UTF_16LE, label: 'utf-16be', name: 'UTF-16BE' };

/** How files begin that are not CSV, and what they are. UTF-32 stands before UTF-16, whose mark its own begins with. */
const NOT_CSV: readonly { begins: Buffer; is: string }[] = [
  { begins: Buffer.from('fffe0000', 'hex'), is: 'text in UTF-32' },
  { begins: Buffer.from('0000feff', 'hex'), is: 'text in UTF-32' },
  { begins: Buffer.from('PK\u0003\u0004'), is: 'a workbook (.xlsx, .ods, .numbers) or another ZIP file' },
  { begins: Buffer.from('d0cf11e0', 'hex'), is: 'an old workbook (.xls)' },
  { begins: Buffer.from('1f8b', 'hex'), is: 'a gzip file' },
  { begins: Buffer.from('%PDF'), is: 'a PDF' },
  { begins: Buffer.from('{\\rtf'), is: 'a text document (RTF)' },
  { begins: Buffer.from('<'), is: 'HTML or XML' },
];
/** Byte order marks, as far as they are read. */
const MARKS: readonly { begins: Buffer; encoding: Encoding }[] = [
  { begins: Buffer.from('efbbbf', 'hex'), encoding: UTF_8 },
  { begins: Buffer.from('fffe', 'hex'), encoding: UTF_16LE },
  { begins: Buffer.from('feff', 'hex'), encoding: UTF_16BE },
];
/** Bytes that tell what a file is. */
const BEGINNING = 5;
const BYTE_ORDER_MARK = '\ufeff';
const HOW_TO_SAVE =
  'Save it as CSV in UTF-8 (Excel: "CSV UTF-8"; LibreOffice and Numbers: encoding "Unicode (UTF-8)") and send that.';

/** A piece of a file's text. `hasMark`: the file begins with a byte order mark, which is not part of the text. */
export interface Piece {
  text: string;
  hasMark: boolean;
}

/**
 * Decodes a file piece by piece, with LF at the end of every line (CR LF and CR become LF). UTF-8, and UTF-16 by its mark or its NUL bytes.
 * The first byte that is not text in this encoding ends it: nothing is ever sent with replacement characters.
 * @throws CliError that names the line, the column, the byte and the fix
 */
export async function* decodedPieces(file: string, bytes: AsyncIterable<Buffer>): AsyncGenerator<Piece> {
  const position = new Position();
  let encoding: Encoding | undefined;
  let hasMark = false;
  let left: Buffer = Buffer.alloc(0);
  let heldCr = '';
  for await (const chunk of whole(bytes)) {
    const isFirst = encoding === undefined;
    encoding ??= encodingOf(file, chunk);
    const block = Buffer.concat([left, chunk]);
    const decoded = decode(block, encoding);
    if (decoded.isCut) throw notText(file, { block, encoding, ...decoded }, position);
    left = block.subarray(encoding.bytesOf(decoded.text));
    hasMark ||= isFirst && decoded.text.startsWith(BYTE_ORDER_MARK);
    const text = heldCr + (isFirst ? withoutMarks(decoded.text) : decoded.text);
    // The LF of a CR LF may be in the next chunk.
    heldCr = text.endsWith('\r') ? '\r' : '';
    const lines = withLf(heldCr === '' ? text : text.slice(0, -1));
    position.pass(lines);
    yield { text: lines, hasMark };
  }
  if (encoding && left.length > 0) throw notText(file, { block: left, encoding, text: '' }, position);
  if (heldCr !== '') yield { text: '\n', hasMark };
}

/** The chunks of a file, the first one long enough to tell what it is. */
async function* whole(bytes: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let first: Buffer | undefined = Buffer.alloc(0);
  for await (const chunk of bytes) {
    if (first === undefined) yield chunk;
    else {
      first = Buffer.concat([first, chunk]);
      if (first.length < BEGINNING) continue;
      yield first;
      first = undefined;
    }
  }
  if (first !== undefined && first.length > 0) yield first;
}

function encodingOf(file: string, beginning: Buffer): Encoding {
  const begins = ({ begins }: { begins: Buffer }): boolean =>
    beginning.subarray(0, begins.length).equals(begins);
  const other = NOT_CSV.find(begins);
  if (other) throw usageError(`${file} is not CSV but ${other.is}. ${HOW_TO_SAVE}`);
  const marked = MARKS.find(begins);
  if (marked) return marked.encoding;
  // UTF-16 without its mark: every second byte of Latin letters is 0.
  const [a, b, c, d] = beginning;
  if (a !== 0 && b === 0 && c !== 0 && d === 0) return UTF_16LE;
  if (a === 0 && b !== 0 && c === 0 && d !== 0) return UTF_16BE;
  return UTF_8;
}

/** Decodes as much of a block as is text. `isCut`: what comes after is not text, rather than a character that goes on in the next block. */
function decode(block: Buffer, encoding: Encoding): { text: string; isCut: boolean } {
  const whole = decodePrefix(block, encoding);
  if (whole !== undefined) return { text: whole, isCut: false };
  // The longest part that is text; a longer one is never text when a shorter one is not.
  let [good, bad] = [0, block.length];
  while (bad - good > 1) {
    const middle = Math.floor((good + bad) / 2);
    if (decodePrefix(block.subarray(0, middle), encoding) === undefined) bad = middle;
    else good = middle;
  }
  return { text: decodePrefix(block.subarray(0, good), encoding) ?? '', isCut: true };
}

function decodePrefix(bytes: Buffer, { label }: Encoding): string | undefined {
  try {
    return new TextDecoder(label, { fatal: true, ignoreBOM: true }).decode(bytes, { stream: true });
  } catch {
    return undefined;
  }
}

function notText(
  file: string,
  { block, encoding, text }: { block: Buffer; encoding: Encoding; text: string },
  position: Position,
): Error {
  position.pass(withLf(text));
  const [guilty = 0] = block.subarray(encoding.bytesOf(text));
  const byte = `0x${guilty.toString(16).toUpperCase().padStart(2, '0')}`;
  const inWindows = encoding === UTF_8 ? `; in Windows-1252 it is "${windows1252(guilty)}"` : '';
  return usageError(
    `${file}, line ${position.line}, column ${position.column}: the byte ${byte} is not ${encoding.name}${inWindows}. ${HOW_TO_SAVE}`,
  );
}

/** The letter of a byte from 0x80 on. Node's own decoder takes those below 0xA0 for control characters. */
function windows1252(byte: number): string {
  const below = '€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ';
  return below[byte - 0x80] ?? String.fromCharCode(byte);
}

/** Where a text has come to: line and column count from 1, columns in characters. */
class Position {
  line = 1;
  column = 1;

  pass(text: string): void {
    const lastBreak = text.lastIndexOf('\n');
    if (lastBreak >= 0) {
      this.line += text.split('\n').length - 1;
      this.column = 1;
    }
    this.column += Array.from(text.slice(lastBreak + 1)).length;
  }
}

function withLf(text: string): string {
  return text.replaceAll(/\r\n?/g, '\n');
}

function withoutMarks(text: string): string {
  return text.replace(/^\ufeff+/, '');
}
