import { invisibleIn, namedAt, shown, trimmed } from './invisible.ts';

/** A cell as it is sent. `repairs`: what was changed about it, in words. `error`: why it cannot be sent. */
export interface CellReading {
  value: string;
  repairs: string[];
  error?: string;
}

/** Columns whose cells are what people read, or JSON: they are sent as they are, whatever they look like. */
const CONTENT = new Set(['message', 'subject', 'html', 'data']);
/** Columns whose cells name a mailbox or a number: whatever is invisible in them is not meant. */
const ADDRESSES = new Set(['email', 'phone', 'reply_to']);

/** What MySQL and PostgreSQL write for an empty cell. */
const DATABASE_EMPTY = '\\N';
/** What spreadsheets show instead of a result, and databases instead of nothing. Nobody means to send these. */
const NO_CONTENT: readonly { looks: RegExp; is: string }[] = [
  {
    looks: /^#(?:N\/A|REF!|NAME\?|VALUE!|DIV\/0!|NUM!|NULL!|SPILL!|CALC!|NV|BEZUG!|WERT!)$/i,
    is: 'is an error of a spreadsheet: mend its formula',
  },
  { looks: /^#{3,}$/, is: 'is what a spreadsheet shows in too narrow a column: widen it and save again' },
  { looks: /^NULL$/, is: 'is what a database writes for nothing: leave the cell empty' },
];
/** A long number that a spreadsheet took for a quantity: its last digits are lost. */
const SCIENTIFIC = /^[+-]?\d+(?:[.,]\d+)?E\+?\d+$/i;
const NO_SCIENTIFIC =
  'was shortened by a spreadsheet, and its last digits are lost: format the column as text and enter the value again';
/** A number that lost its plus. */
const PLAIN_DIGITS = /^\d{7,15}$/;
/** How spreadsheets are kept from taking a value for a number: ="0049" */
const FORMULA_TEXT = /^="([^"]*)"$/;
/** The beginning of a link that was copied for its address. */
const LINK = /^(?:mailto|tel):/i;
/** Letters that an earlier conversion could not keep, and control characters but tab, LF and CR. */
// eslint-disable-next-line no-control-regex -- they are what this is about
const LOST = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\ufffd]/;

/** Whether a column has what people read, rather than a name of something. */
export function isContent(column: string): boolean {
  return CONTENT.has(column);
}

/** Reads one cell of a column: repairs what a spreadsheet did to it, and names what cannot be repaired. */
export function readCell(column: string, cell: string): CellReading {
  if (trimmed(cell) === DATABASE_EMPTY) return { value: '', repairs: [] };
  const none = NO_CONTENT.find(({ looks }) => looks.test(trimmed(cell)));
  if (none) return { value: cell, repairs: [], error: none.is };
  return isContent(column) ? readContent(cell) : readName(column, cell);
}

function readContent(cell: string): CellReading {
  const index = cell.search(LOST);
  if (index < 0) return { value: cell, repairs: [] };
  const why =
    cell[index] === '\ufffd' ? 'an earlier conversion lost a letter here: type it again' : 'take it out';
  return { value: cell, repairs: [], error: `cannot be sent: ${namedAt(cell, index)}; ${why}` };
}

/** An address, an id, or a word of ours. */
function readName(column: string, cell: string): CellReading {
  const repairs: string[] = [];
  const value = withoutUnseen(column, unwrapped(column, trimmed(cell), repairs), repairs);
  const error = errorOf(column, value);
  return { value, repairs, ...(error !== undefined && { error }) };
}

function unwrapped(column: string, cell: string, repairs: string[]): string {
  let value = FORMULA_TEXT.exec(cell)?.[1] ?? cell;
  if (column === 'phone') value = value.replace(/^'/, '');
  if (ADDRESSES.has(column)) value = value.replace(LINK, '');
  if (value !== cell) repairs.push(`${shown(cell)} was read as ${shown(value)}`);
  return value;
}

/** Spaces group the digits of a number, for people; within a mailbox they may stand for a letter, and stay for `errorOf`. */
function withoutUnseen(column: string, cell: string, repairs: string[]): string {
  if (!ADDRESSES.has(column)) return cell;
  const isPhone = column === 'phone';
  const unseen = invisibleIn(cell).filter(({ character }) => isPhone || !/\s/.test(character));
  repairs.push(...unseen.map(({ index }) => `${namedAt(cell, index)} and was taken out`));
  const left = unseen.reduce((text, { character }) => text.replaceAll(character, ''), cell);
  return isPhone ? left.replaceAll(' ', '') : left;
}

function errorOf(column: string, value: string): string | undefined {
  if (SCIENTIFIC.test(value)) return NO_SCIENTIFIC;
  if (column === 'phone' && PLAIN_DIGITS.test(value))
    return `must begin with + and the country, such as +${value}: a spreadsheet drops the +, so format the column as text`;
  const index = invisibleIn(value)[0]?.index ?? value.indexOf('\ufffd');
  return index < 0 ? undefined : `cannot be sent: ${namedAt(value, index)}; take it out`;
}
