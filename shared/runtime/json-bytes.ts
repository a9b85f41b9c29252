const [QUOTE, BACKSLASH] = [0x22, 0x5c];
const [COMMA, OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [0x2c, 0x5b, 0x5d, 0x7b, 0x7d];

/** A name of ours with each of its letters as an escape is shorter. */
const MAX_NAME_BYTES = 200;

/** Where the string ends that begins at `start`: behind its closing quote, or at the end of the bytes. */
export function endOfString(bytes: Buffer, start: number): number {
  let at = start + 1;
  // Byte by byte: a string may consist of escapes, and looking for each next quote would cost a call for every one of them.
  while (at < bytes.length && bytes[at] !== QUOTE) at += bytes[at] === BACKSLASH ? 2 : 1;
  return Math.min(at + 1, bytes.length);
}

/**
 * Finds out whether a JSON document has more values than `most` (each comma, list and object outside of strings) without parsing it: millions of
 * values cost a parser seconds, and the bytes alone do not tell. Answers the field of the document in which it has too many, as it is written;
 * undefined when it has not.
 */
export function fieldOfExcess(bytes: Buffer, most: number): string | undefined {
  let [count, depth, field] = [0, 0, ''];
  for (let at = 0; at < bytes.length;) {
    const code = bytes[at] ?? 0;
    const end = code === QUOTE ? endOfString(bytes, at) : at + 1;
    if (code === QUOTE && depth === 1)
      field = bytes.toString('utf8', at + 1, Math.min(end - 1, at + MAX_NAME_BYTES));
    if (code === OPEN_LIST || code === OPEN_OBJECT) depth += 1;
    if (code === CLOSE_LIST || code === CLOSE_OBJECT) depth -= 1;
    if (code === COMMA || code === OPEN_LIST || code === OPEN_OBJECT) count += 1;
    if (count > most) return field;
    at = end;
  }
  return undefined;
}

/** A piece of the bytes: from the first one to before `end`. */
export interface Span {
  start: number;
  end: number;
}

/**
 * Finds the items of one list of a JSON object without parsing either: `{"<name>": [item, item, …], …}`. It works in steps, because a
 * document of 10 MiB takes longer than others may wait. What is no JSON is split somehow, and its pieces cannot be parsed.
 */
export class ListFinder {
  /** The items, up to `keep`. */
  readonly items: Span[] = [];
  /** All items, kept or not. */
  count = 0;
  /** The inside of the list: of the first one, if the name comes twice. */
  list: Span | undefined;
  readonly #bytes: Buffer;
  readonly #name: string;
  readonly #keep: number;
  #at = 0;
  #depth = 0;
  #isInList = false;
  #hasComma = false;
  #lastString: Span = { start: 0, end: 0 };

  constructor(bytes: Buffer, { name, keep }: { name: string; keep: number }) {
    this.#bytes = bytes;
    this.#name = name;
    this.#keep = keep;
  }

  /** Looks at so many bytes more, and at the string at their end; false when it is through. */
  advance(length: number): boolean {
    const to = Math.min(this.#at + length, this.#bytes.length);
    while (this.#at < to) this.#step(this.#bytes[this.#at] ?? 0);
    return this.#at < this.#bytes.length;
  }

  #step(code: number): void {
    const at = this.#at;
    if (code === QUOTE) {
      this.#at = endOfString(this.#bytes, at);
      if (this.#depth === 1) this.#lastString = { start: at, end: this.#at };
      return;
    }
    this.#at = at + 1;
    if (code === OPEN_LIST || code === OPEN_OBJECT) this.#open(code, at);
    else if (code === CLOSE_LIST || code === CLOSE_OBJECT) this.#close(at);
    else if (code === COMMA && this.#isInList && this.#depth === 2) {
      this.#hasComma = true;
      this.#endItem(at);
    }
  }

  #open(code: number, at: number): void {
    this.#depth += 1;
    if (code !== OPEN_LIST || this.#depth !== 2 || this.list || !this.#isNamed(at)) return;
    this.list = { start: at + 1, end: at + 1 };
    this.#isInList = true;
  }

  #close(at: number): void {
    this.#depth -= 1;
    if (!this.#isInList || this.#depth !== 1 || !this.list) return;
    // `[]` has no item, and `[1,]` has one that is no JSON.
    const isEmpty = !this.#hasComma && solidBytes(this.#bytes, { start: this.list.end, end: at }) === '';
    if (!isEmpty) this.#endItem(at);
    this.list.end = at;
    this.#isInList = false;
  }

  #endItem(end: number): void {
    if (!this.list) return;
    if (this.items.length < this.#keep) this.items.push({ start: this.list.end, end });
    this.count += 1;
    // While the list is open, its end is where the next item begins.
    this.list.end = end + 1;
  }

  /** Whether the list that opens there is the value of the name. */
  #isNamed(at: number): boolean {
    const { start, end } = this.#lastString;
    if (end - start > MAX_NAME_BYTES || solidBytes(this.#bytes, { start: end, end: at }) !== ':')
      return false;
    try {
      return JSON.parse(this.#bytes.toString('utf8', start, end)) === this.#name;
    } catch {
      return false;
    }
  }
}

/** White space of JSON (RFC 8259 §2). */
const SPACES = new Set([0x20, 0x09, 0x0a, 0x0d]);

/** The first two bytes of a piece that are no white space. */
function solidBytes(bytes: Buffer, { start, end }: Span): string {
  let solid = '';
  for (let at = start; at < end && solid.length < 2; at += 1) {
    const byte = bytes[at] ?? 0;
    if (!SPACES.has(byte)) solid += String.fromCharCode(byte);
  }
  return solid;
}
