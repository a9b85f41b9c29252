/**
 * Header fields as lines of ASCII that say exactly what they were given: folded at spaces (RFC 5322 §2.2.3), and encoded where a reader could
 * see something else (RFC 2047, RFC 2231). Every field of a mail is made here.
 */

/** Octets of a line, as RFC 2047 §2 limits lines that hold encoded words; a token that is longer has a line to itself, far below 998. */
const LINE_OCTETS = 76;
/** Characters of a word that is not encoded; a longer one could not be folded. */
const WORD_CHARS = 60;
/** Characters of an encoded word between its marks, so that the word fits on one line with the name of its field. */
const ENCODED_CHARS = 52;

/** Words of printable ASCII with single spaces between them: nothing is lost when they are folded. */
const FOLDABLE = new RegExp(`^[\\x21-\\x7e]{1,${WORD_CHARS}}(?: [\\x21-\\x7e]{1,${WORD_CHARS}})*$`);
/** The beginning of an encoded word: a reader would decode it. */
const ENCODED_WORD = '=?';
/** Words that a display name may have without quotes (atext, RFC 5322 §3.2.3). */
const ATOMS = /^[\w!#$%&'*+/=?^`{|}~-]+(?: [\w!#$%&'*+/=?^`{|}~-]+)*$/;
/** A value of a parameter that every reader takes as it stands between quotes. */
const QUOTABLE = /^[\w!#$&+.^{}~@,()=;[\]'-]+(?: [\w!#$&+.^{}~@,()=;[\]'-]+)*$/;
/** Line breaks and other control characters, which no field can hold. */
// eslint-disable-next-line no-control-regex
const CONTROLS = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g;

/** A field of free text, such as Subject. */
export function textField(name: string, text: string): string {
  const line = oneLine(text);
  return folded(name, isFoldable(line) ? line.split(' ') : encodedWords(line));
}

/** A field of one mailbox, such as From. `address`: ASCII. */
export function mailboxField(name: string, mailbox: { name?: string; address: string }): string {
  const display = oneLine(mailbox.name ?? '').trim();
  if (display === '') return folded(name, [mailbox.address]);
  return folded(name, [...phrase(display), `<${mailbox.address}>`]);
}

/** A field of a value with parameters, such as Content-Type. `tokens`: the value, and parameters that need no encoding. */
export function parameterField(
  name: string,
  tokens: readonly string[],
  encoded: Readonly<Record<string, string>> = {},
): string {
  const all = [
    ...tokens,
    ...Object.entries(encoded).flatMap(([key, value]) => parameter(key, oneLine(value))),
  ];
  return folded(
    name,
    all.map((token, index) => (index < all.length - 1 ? `${token};` : token)),
  );
}

function oneLine(text: string): string {
  // By way of UTF-8, in which an unpaired surrogate is U+FFFD.
  return Buffer.from(text.replace(CONTROLS, ' ')).toString();
}

function isFoldable(text: string): boolean {
  return FOLDABLE.test(text) && !text.includes(ENCODED_WORD);
}

/** Puts tokens into lines, with one space between them. */
function folded(name: string, tokens: readonly string[]): string {
  let length = name.length + 1;
  const lines = tokens.map((token, index) => {
    const isFull = index > 0 && length + 1 + token.length > LINE_OCTETS;
    length = isFull ? token.length + 1 : length + token.length + 1;
    return `${isFull ? '\r\n' : ''} ${token}`;
  });
  return `${name}:${lines.join('')}`;
}

/** A display name (RFC 5322 §3.2.5). */
function phrase(name: string): string[] {
  if (name.length > WORD_CHARS || !isFoldable(name)) return encodedWords(name);
  return ATOMS.test(name) ? [name] : [`"${name.replace(/["\\]/g, '\\$&')}"`];
}

/** A text as encoded words (RFC 2047 §4): by Q or by B, whichever is shorter. No character is cut in two. */
function encodedWords(text: string): string[] {
  const [mark, encode] = q(text).length <= b(text).length ? (['Q', q] as const) : (['B', b] as const);
  return pieces(text, encode).map((piece) => `=?UTF-8?${mark}?${piece}?=`);
}

/** A parameter (RFC 2231), in several sections where it is long. */
function parameter(name: string, value: string): string[] {
  if (value.length <= WORD_CHARS && QUOTABLE.test(value)) return [`${name}="${value}"`];
  const sections = pieces(value, percent);
  return sections.map((section, index) => {
    const number = sections.length > 1 ? `*${index}` : '';
    return `${name}${number}*=${index === 0 ? "utf-8''" : ''}${section}`;
  });
}

/** A text in pieces that each encode to ENCODED_CHARS at most. */
function pieces(text: string, encode: (piece: string) => string): string[] {
  const done: string[] = [];
  let piece = '';
  for (const character of text) {
    if (encode(piece + character).length > ENCODED_CHARS) {
      done.push(encode(piece));
      piece = '';
    }
    piece += character;
  }
  return [...done, encode(piece)];
}

/** With the characters that RFC 2047 §5 (3) allows in display names, too. */
function q(text: string): string {
  return percent(text).replace(/[._~]/g, hex).replaceAll('%20', '_').replaceAll('%', '=');
}

function b(text: string): string {
  return Buffer.from(text).toString('base64');
}

/** Each octet but letters, digits and `!-._~` as % and two digits (attr-char, RFC 2231 §7). */
function percent(text: string): string {
  return encodeURIComponent(text).replace(/['()*]/g, hex);
}

function hex(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
}
