import type { Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { Readable, pipeline } from 'node:stream';
import { CsvError, parse } from 'csv-parse';
import { codeOf, toError } from '../../../shared/runtime/errors.ts';
import { CliError, usageError } from '../exit.ts';
import { decodedPieces } from './decode.ts';
import { dialectOf, type Dialect } from './dialect.ts';
import { isBlank } from './invisible.ts';

/** Characters that one row may have: more than a notification may. */
const MAX_ROW = 4_000_000;

/** A row as it is in the file. `line`: where it begins, the first one is 1. */
export interface CsvRecord {
  line: number;
  cells: string[];
}

/** A CSV file: how it is written, and its rows. */
export interface CsvRecords extends Pick<Dialect, 'delimiter' | 'hasMark'> {
  /** Without rows whose cells are all empty, as spreadsheets add them. */
  records: AsyncGenerator<CsvRecord>;
}

/**
 * Opens a CSV file (RFC 4180, and what spreadsheets make of it). The hash gets all of its bytes. `delimiter`: the separator of cells; read from
 * the file when not given. @throws CliError
 */
export async function csvRecords(
  file: string,
  { delimiter, hash }: { delimiter?: string | undefined; hash?: Hash | undefined } = {},
): Promise<CsvRecords> {
  try {
    const { text, ...dialect } = await dialectOf(decodedPieces(file, bytesOf(file, hash)), delimiter);
    return { ...dialect, records: parsed(file, text, dialect.delimiter) };
  } catch (thrown) {
    throw unreadable(file, thrown);
  }
}

async function* bytesOf(file: string, hash: Hash | undefined): AsyncGenerator<Buffer> {
  for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) {
    hash?.update(chunk);
    yield chunk;
  }
}

async function* parsed(
  file: string,
  text: AsyncGenerator<string>,
  delimiter: string,
): AsyncGenerator<CsvRecord> {
  const at: ParserPosition = { line: 0 };
  const parser = parse({
    delimiter,
    max_record_size: MAX_ROW,
    record_delimiter: '\n',
    relax_column_count: true,
    trim: true,
    on_record: (cells: string[], { lines }) => recordAt(at, cells, lines) as unknown as string[] | null,
  });
  // What fails is thrown by the parser, to which it is passed on.
  pipeline(Readable.from(text), parser, () => undefined);
  try {
    for await (const record of parser) yield record as CsvRecord;
  } catch (thrown) {
    if (!(thrown instanceof CsvError)) throw unreadable(file, thrown);
    // The cells of the row that was not finished. Without them, the line would be the row's first one.
    const { state } = parser as unknown as { state?: { record?: string[] } };
    throw malformed(file, thrown, { ...at, line: at.line + 1 + breaksIn(state?.record ?? []) });
  }
}

/** The position of the parser, which reads ahead: the last line of the previous row, and the names of the cells. */
interface ParserPosition {
  line: number;
  header?: string[];
}

function recordAt(at: ParserPosition, cells: string[], lastLine: number): CsvRecord | null {
  const line = at.line + 1;
  at.line = lastLine;
  if (cells.every(isBlank)) return null;
  at.header ??= cells;
  return { line, cells };
}

function breaksIn(cells: readonly string[]): number {
  return cells.reduce((sum, cell) => sum + cell.split('\n').length - 1, 0);
}

const CLOSED_EARLY =
  'the quote that begins this cell is closed before its end. Close it in the right place, and write "" for each quote within the cell';
/** In which way a cell is not CSV, by the parser's code. */
const MALFORMED: Readonly<Record<string, string>> = {
  CSV_QUOTE_NOT_CLOSED: 'the quote that begins this cell is not closed',
  CSV_INVALID_CLOSING_QUOTE: CLOSED_EARLY,
  CSV_NON_TRIMABLE_CHAR_AFTER_CLOSING_QUOTE: CLOSED_EARLY,
  INVALID_OPENING_QUOTE:
    'this cell has a quote in its middle. Put the whole cell in quotes, and write "" for each quote within it',
  CSV_MAX_RECORD_SIZE: `the row is longer than ${MAX_ROW} characters. Is a quote not closed?`,
};

/** Names the line where the cell begins: with a quote that is not closed, the parser notices it much later. */
function malformed(file: string, error: CsvError, { line, header }: ParserPosition): Error {
  const { code, column, lines } = error as unknown as { code: string; column: unknown; lines: number };
  const index = typeof column === 'number' ? column : 0;
  const name = header?.[index];
  const cell = `cell ${index + 1}${name === undefined ? '' : ` (${name})`}`;
  const noticed = lines > line ? ` (noticed in line ${lines})` : '';
  return usageError(`${file}, line ${line}, ${cell}: ${MALFORMED[code] ?? error.message}${noticed}.`);
}

function unreadable(file: string, thrown: unknown): Error {
  const code = codeOf(thrown);
  if (thrown instanceof CliError) return thrown;
  if (code === 'ENOENT') return usageError(`There is no file ${file}.`);
  if (['EACCES', 'EISDIR', 'EPERM'].includes(code ?? ''))
    return usageError(`${file} cannot be read: ${toError(thrown).message}`);
  return toError(thrown);
}

/** A row in the words of CSV. Cells stay what they were: these are somebody's own data, to be mended and sent. */
export function csvLine(cells: readonly string[], delimiter: string): string {
  const quoted = cells.map((cell) =>
    cell.includes(delimiter) || /["\r\n]|^\s|\s$/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell,
  );
  return `${quoted.join(delimiter)}\n`;
}
