/** A value that cannot be kept as it was given: where it is in the document, and what it must be. */
export interface Trouble {
  /** The path, such as `data.items.0.id`; `body` for the document itself. */
  field: string;
  message: string;
}

/** What was read from outside, and what of it would be held otherwise than it was given. */
export interface Reading {
  value: unknown;
  troubles: Trouble[];
}

/** Troubles that are named; a document with more is wrong all the same. */
const MAX_TROUBLES = 20;

/**
 * Reads JSON, and names what `JSON.parse` changes or drops without a word: numbers that a double cannot hold (RFC 8259 §6), unpaired
 * surrogates (§8.2), and names that come twice in one object (§4), of which JavaScript keeps the last. Any other name is kept, `__proto__` as well.
 * @throws SyntaxError when the text is no JSON.
 */
export function readJson(text: string): Reading {
  const value: unknown = JSON.parse(text);
  return { value, troubles: new Inspection(text).troubles };
}

/** One object or list that the inspection is in. */
interface Level {
  /** The names so far, without the last one; a set is made for the second name, for most objects in a list are small. */
  names: Set<string> | undefined;
  /** The name or the index of the value that comes next; undefined before the first name. */
  key: string | number | undefined;
  /** Whether a string that comes now is a name. */
  isBeforeName: boolean;
}

const [QUOTE, COMMA, MINUS, ZERO, NINE] = [0x22, 0x2c, 0x2d, 0x30, 0x39];
const [OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d];
/** A number of at most so many characters without an exponent is held by every double (IEEE 754: 15 decimal digits). */
const SAFE_CHARS = 15;
/** No double is written with more characters without an end of zeros; what is longer is not compared. */
const MAX_COMPARED = 400;

/** Walks over a text that `JSON.parse` has taken, so its syntax is not checked again. It does not recurse, because nesting has no limit here. */
class Inspection {
  readonly troubles: Trouble[] = [];
  readonly #text: string;
  readonly #levels: Level[] = [];
  #at = 0;
  /** Where the next escape is, from `#at` on. */
  #escapeAt: number;

  constructor(text: string) {
    this.#text = text;
    this.#escapeAt = nextOf(text, '\\', 0);
    while (this.#at < text.length && this.troubles.length < MAX_TROUBLES)
      this.#step(text.charCodeAt(this.#at));
  }

  #step(code: number): void {
    if (code === QUOTE) {
      this.#string();
      return;
    }
    if (code === MINUS || (code >= ZERO && code <= NINE)) {
      this.#number();
      return;
    }
    this.#at += 1;
    if (code === COMMA) this.#next();
    else if (code === OPEN_OBJECT)
      this.#levels.push({ names: undefined, key: undefined, isBeforeName: true });
    else if (code === OPEN_LIST) this.#levels.push({ names: undefined, key: 0, isBeforeName: false });
    else if (code === CLOSE_OBJECT || code === CLOSE_LIST) this.#levels.pop();
  }

  #next(): void {
    const level = this.#levels.at(-1);
    if (!level) return;
    if (typeof level.key === 'number') level.key += 1;
    else level.isBeforeName = true;
  }

  #string(): void {
    const [text, start] = [this.#text, this.#at];
    let end = text.indexOf('"', start + 1);
    const isPlain = this.#escapeAt > end;
    if (!isPlain) {
      while (isEscaped(text, end)) end = text.indexOf('"', end + 1);
      this.#escapeAt = nextOf(text, '\\', end);
    }
    this.#at = end + 1;
    const level = this.#levels.at(-1);
    if (level?.isBeforeName)
      this.#name(level, isPlain ? text.slice(start + 1, end) : unescaped(text, start, end));
    // Decoded UTF-8 has no unpaired surrogate: only an escape makes one.
    else if (!isPlain && UNPAIRED_SURROGATE.test(unescaped(text, start, end))) this.#trouble(UNPAIRED);
  }

  #name(level: Level, name: string): void {
    if (level.key !== undefined) (level.names ??= new Set<string>()).add(String(level.key));
    level.key = name;
    level.isBeforeName = false;
    if (level.names?.has(name)) this.#trouble('comes twice in one object: name it once');
    else if (UNPAIRED_SURROGATE.test(name)) this.#trouble(UNPAIRED);
  }

  #number(): void {
    const [text, start] = [this.#text, this.#at];
    let isShort = true;
    let code = text.charCodeAt(this.#at);
    while (isOfNumber(code)) {
      if (code === UPPER_E || code === LOWER_E) isShort = false;
      this.#at += 1;
      code = text.charCodeAt(this.#at);
    }
    if (isShort && this.#at - start <= SAFE_CHARS) return;
    const given = text.slice(start, this.#at);
    if (isHeld(given)) return;
    const shown = given.length > MAX_SHOWN ? `${given.slice(0, MAX_SHOWN)}…` : given;
    this.#trouble(`is ${shown}, which would be kept as ${Number(given)}: send it as a string`);
  }

  #trouble(message: string): void {
    const path = this.#levels
      .slice(0, MAX_PATH)
      .map(({ key = '' }) => String(key).replace(/\p{Surrogate}/gu, '\ufffd'));
    this.troubles.push({ field: path.map((key) => key.slice(0, MAX_SHOWN)).join('.') || 'body', message });
  }
}

const UNPAIRED_SURROGATE = /\p{Surrogate}/u;
const UNPAIRED = 'has an unpaired surrogate (\\ud800 to \\udfff): write the whole character';
/** Characters of a number or a name, and parts of a path, that an error shows. */
const [MAX_SHOWN, MAX_PATH] = [100, 20];

const [PLUS, DOT, UPPER_E, LOWER_E] = [0x2b, 0x2e, 0x45, 0x65];

function isOfNumber(code: number): boolean {
  if (code >= ZERO && code <= NINE) return true;
  return code === DOT || code === MINUS || code === PLUS || code === LOWER_E || code === UPPER_E;
}

function nextOf(text: string, what: string, from: number): number {
  const at = text.indexOf(what, from);
  return at === -1 ? Infinity : at;
}

/** Whether the quote there has an odd number of backslashes before it. */
function isEscaped(text: string, at: number): boolean {
  let before = at - 1;
  while (text[before] === '\\') before -= 1;
  return (at - before) % 2 === 0;
}

function unescaped(text: string, start: number, end: number): string {
  return JSON.parse(text.slice(start, end + 1)) as string;
}

/** Whether a number comes back with the value that it was given with, in whatever notation. */
function isHeld(given: string): boolean {
  if (given.length > MAX_COMPARED) return false;
  const held = Number(given);
  return Number.isFinite(held) && decimalOf(given) === decimalOf(String(held));
}

/** A decimal number in the one notation that it has: sign, digits without zeros around them, exponent. */
function decimalOf(text: string): string {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text) ?? [];
  const digits = `${whole}${fraction}`.replace(/^0+/, '');
  const significant = digits.replace(/0+$/, '');
  if (significant === '') return '0';
  const scale = Number(exponent) - fraction.length + (digits.length - significant.length);
  return `${sign}${significant}e${scale}`;
}
