import { usageError } from '../exit.ts';
import { ATTACHMENTS, FIELD_NAMES } from '../request.ts';
import { DELIMITERS, delimiterOf } from './dialect.ts';
import { trimmed } from './invisible.ts';
import { nearestOf } from './nearest.ts';
import type { CsvRecord } from './records.ts';

/** The column that a file of rejected rows has besides: it is passed over, so that such a file can be mended and sent. */
export const ERROR_COLUMN = 'tidings_error';
/** The name of a column that has none: nothing may stand in it. */
export const UNNAMED = '';
const KNOWN = [...FIELD_NAMES, 'idempotency_key', ERROR_COLUMN];

/**
 * Reads the first line: which column is which field, whatever its capitals, and `UNNAMED` for those without a name, which spreadsheets add.
 * @throws CliError that names what is wrong
 */
export function columnsOf(file: string, { line, cells }: CsvRecord, delimiter: string): string[] {
  const at = `${file}, line ${line}`;
  const names = cells.map(trimmed);
  const columns = names.map((name) => name.toLowerCase());
  const unknown = names.filter(
    (_, index) => columns[index] !== UNNAMED && !KNOWN.includes(columns[index] ?? ''),
  );
  if (unknown.length > 0) throw usageError(unknownColumns(at, { names, unknown, delimiter }));
  const double = columns.find((column, index) => column !== UNNAMED && columns.indexOf(column) !== index);
  if (double !== undefined)
    throw usageError(
      `${at}: there are two columns ${double}: ${columns.indexOf(double) + 1} and ${columns.lastIndexOf(double) + 1}.`,
    );
  return columns;
}

function unknownColumns(
  at: string,
  { names, unknown, delimiter }: { names: readonly string[]; unknown: readonly string[]; delimiter: string },
): string {
  const [only = ''] = names;
  const other = delimiterOf(only);
  if (names.length === 1 && other !== delimiter && DELIMITERS.some((one) => only.includes(one)))
    return `${at}: its cells are separated by ${JSON.stringify(other)}, and not by ${JSON.stringify(delimiter)}: leave out --delimiter.`;
  return (
    `${at}: these columns are no fields of a row: ${unknown.map(hinted).join(', ')}. The first line names the columns; ` +
    `there are ${FIELD_NAMES.join(', ')} and idempotency_key. Your own data go into data, as JSON.`
  );
}

/** A column that is none, and the nearest one. */
function hinted(name: string): string {
  const plain = name
    .toLowerCase()
    .replaceAll(/[^\p{L}\d]+/gu, '_')
    .replaceAll(/^_|_$/g, '');
  if (plain === ATTACHMENTS)
    return `${name} (files go with one e-mail, by send --attach: take this column out)`;
  const meant = nearestOf(plain, KNOWN);
  return meant === undefined ? name : `${name} (is it ${meant}?)`;
}
