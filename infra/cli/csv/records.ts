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
  /** Where the parser is, which reads ahead: the last line of the cell before, and the names of the cells. */
  const at: ParserPosition = { line: 0 };
  const parser = parse({
    delimiter,
    info: true,
    max_record_size: MAX_ROW,
    record_delimiter: '\n',
    relax_column_count: true,
    trim: true,
    cast: (cell, { lines }) => {
      at.line = lines;
      return cell;
    },
    on_record: (parsedRecord: string[]) => {
      // With `info` it is not the cells alone, whatever its type says.
      const { record } = parsedRecord as unknown as InfoRecord;
      if (!record.every(isBlank)) at.header ??= record;
      return parsedRecord;
    },
  });
  // What fails is thrown by the parser, to which it is passed on.
  pipeline(Readable.from(text), parser, () => undefined);
  let endedAt = 0;
  try {
    for await (const item of parser) {
      const { record: cells, info } = item as InfoRecord;
      const line = endedAt + 1;
      endedAt = info.lines;
      if (!cells.every(isBlank)) yield { line, cells };
    }
  } catch (thrown) {
    throw thrown instanceof CsvError ? malformed(file, thrown, at) : unreadable(file, thrown);
  }
}

/** What the parser makes of a row. */
interface InfoRecord {
  record: string[];
  /** `lines`: the row's last one. */
  info: { lines: number };
}

/** See `parsed`. */
interface ParserPosition {
  line: number;
  header?: string[];
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
function malformed(file: string, error: CsvError, at: ParserPosition): Error {
  const { code, column, lines } = error as unknown as { code: string; column: unknown; lines: number };
  const index = typeof column === 'number' ? column : 0;
  const line = index === 0 ? at.line + 1 : at.line;
  const name = at.header?.[index];
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
