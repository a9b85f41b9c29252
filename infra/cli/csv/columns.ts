import { usageError } from '../exit.ts';
import { ATTACHMENTS, FIELD_NAMES } from '../request.ts';

/** The column that a file of rejected rows has besides: it is passed over, so that such a file can be mended and sent. */
export const ERROR_COLUMN = 'tidings_error';
const KNOWN = [...FIELD_NAMES, 'idempotency_key', ERROR_COLUMN];

/** Reads the first line: which column is which field. @throws CliError that names what is wrong */
export function columnsOf(file: string, cells: readonly string[]): string[] {
  const columns = cells.map((cell) => cell.trim());
  const unknown = columns.filter((column) => !KNOWN.includes(column));
  if (unknown.length > 0) throw usageError(unknownColumns(file, columns, unknown));
  const double = columns.find((column, index) => columns.indexOf(column) !== index);
  if (double !== undefined) throw usageError(`${file}, line 1: there are two columns ${double}.`);
  return columns;
}

function unknownColumns(file: string, columns: readonly string[], unknown: readonly string[]): string {
  const only = columns.length === 1 ? columns[0] : undefined;
  const other = [';', '\t', '|'].find((delimiter) => only?.includes(delimiter));
  if (other !== undefined)
    return `${file}, line 1: its cells seem to be separated by ${JSON.stringify(other)}: say --delimiter '${other}'`;
  return (
    `${file}, line 1: these columns are no fields of a row: ${unknown.map(hinted).join(', ')}. The first line names the columns; ` +
    `there are ${FIELD_NAMES.join(', ')} and idempotency_key. Your own data go into data, as JSON.`
  );
}

/** A column that is none, and what may be meant. */
function hinted(name: string): string {
  if (name === '') return 'a column without a name';
  const plain = name.toLowerCase().replaceAll(/[ -]/g, '_');
  if (plain === ATTACHMENTS)
    return `${name} (files go with POST /v1/notifications only: take this column out)`;
  return KNOWN.includes(plain) ? `${name} (is it ${plain}?)` : name;
}
