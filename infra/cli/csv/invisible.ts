/**
 * Characters that nobody sees and spreadsheets, web pages and address books leave in cells: by code point, as Unicode names them.
 * Those of writing direction come around numbers that were copied from an address book.
 */
const INVISIBLE: Readonly<Record<string, string>> = {
  '\u00a0': 'no-break space',
  '\u00ad': 'soft hyphen',
  '\u034f': 'combining grapheme joiner',
  '\u061c': 'Arabic letter mark',
  '\u180e': 'Mongolian vowel separator',
  '\u2007': 'figure space',
  '\u200b': 'zero width space',
  '\u200c': 'zero width non-joiner',
  '\u200d': 'zero width joiner',
  '\u200e': 'left-to-right mark',
  '\u200f': 'right-to-left mark',
  '\u2028': 'line separator',
  '\u2029': 'paragraph separator',
  '\u202a': 'left-to-right embedding',
  '\u202b': 'right-to-left embedding',
  '\u202c': 'pop directional formatting',
  '\u202d': 'left-to-right override',
  '\u202e': 'right-to-left override',
  '\u202f': 'narrow no-break space',
  '\u2060': 'word joiner',
  '\u2061': 'function application',
  '\u2062': 'invisible times',
  '\u2063': 'invisible separator',
  '\u2064': 'invisible plus',
  '\u2066': 'left-to-right isolate',
  '\u2067': 'right-to-left isolate',
  '\u2068': 'first strong isolate',
  '\u2069': 'pop directional isolate',
  '\u3000': 'ideographic space',
  '\ufeff': 'byte order mark',
  '\ufffd': 'replacement character',
};
const OTHER = 'control or format character';
/** What nobody sees, by what Unicode says of it; control characters among it, with which databases fill cells up. */
const UNSEEN = '[\\s\\p{Cc}\\p{Cf}\\p{Default_Ignorable_Code_Point}]';
const BLANK = new RegExp(`^${UNSEEN}*$`, 'u');
const BLANK_ENDS = new RegExp(`^${UNSEEN}+|${UNSEEN}+$`, 'gu');
const UNSEEN_INSIDE = new RegExp(`(?! )${UNSEEN}`, 'gu');

/** Most cells: nothing but visible ASCII. */
const VISIBLE = /^[\x21-\x7e]+$/;

/** Whether nobody would see anything in a cell. */
export function isBlank(cell: string): boolean {
  return cell === '' || (!VISIBLE.test(cell) && BLANK.test(cell));
}

/** A cell without what is invisible at its beginning and its end. */
export function trimmed(cell: string): string {
  return VISIBLE.test(cell) ? cell : cell.replace(BLANK_ENDS, '');
}

/** The characters of a cell that nobody sees, other than a space: each, and its index. */
export function invisibleIn(cell: string): { character: string; index: number }[] {
  if (VISIBLE.test(cell)) return [];
  return Array.from(cell.matchAll(UNSEEN_INSIDE), ({ 0: character, index }) => ({ character, index }));
}

/** Names the character at an index, and where it is: `character 4 is U+200B (zero width space)`. Characters count from 1. */
export function namedAt(cell: string, index: number): string {
  const character = String.fromCodePoint(cell.codePointAt(index) ?? 0);
  const position = Array.from(cell.slice(0, index)).length + 1;
  const code = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
  return `character ${position} is U+${code} (${INVISIBLE[character] ?? OTHER})`;
}

/** A cell for people to read: in quotes, cut, with what is invisible written out. */
export function shown(cell: string, length = 60): string {
  const cut = cell.length > length ? `${cell.slice(0, length)}…` : cell;
  return JSON.stringify(cut).replaceAll(/./gsu, (character) => {
    if (INVISIBLE[character] === undefined) return character;
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}
