import type { Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream';
import { CsvError, parse } from 'csv-parse';
import { codeOf, toError } from '../../../shared/runtime/errors.ts';
import { usageError } from '../exit.ts';

/** Characters that one row may have: more than a notification may. */
const MAX_ROW = 4_000_000;

/** A row as it is in the file. `line`: where it begins, the first one is 1. */
export interface CsvRecord {
  line: number;
  cells: string[];
}

/** Reads a CSV file row by row (RFC 4180; a byte order mark and empty lines do no harm). The hash gets all of its bytes. @throws CliError */
export async function* csvRecords(file: string, delimiter: string, hash?: Hash): AsyncGenerator<CsvRecord> {
  const parser = parse({
    bom: true,
    delimiter,
    info: true,
    max_record_size: MAX_ROW,
    relax_column_count: true,
    skip_empty_lines: true,
  });
  const source = createReadStream(file);
  if (hash) source.on('data', (chunk) => hash.update(chunk));
  // What fails is thrown by the parser, to which it is passed on.
  pipeline(source, parser, () => undefined);
  let crlfInside = 0;
  try {
    for await (const item of parser) {
      const { record: cells, info } = item as { record: string[]; info: { lines: number } };
      // The parser counts a CR LF between quotes as two lines.
      const breaks = cells.flatMap((cell) => cell.match(/\r\n|\r|\n/g) ?? []);
      crlfInside += breaks.filter((one) => one === '\r\n').length;
      yield { line: info.lines - crlfInside - breaks.length, cells };
    }
  } catch (thrown) {
    throw unreadable(file, thrown);
  }
}

function unreadable(file: string, thrown: unknown): Error {
  const code = codeOf(thrown);
  if (thrown instanceof CsvError) return usageError(`${file} is no CSV: ${thrown.message}.`);
  if (code === 'ENOENT') return usageError(`There is no file ${file}.`);
  if (['EACCES', 'EISDIR', 'EPERM'].includes(code ?? ''))
    return usageError(`${file} cannot be read: ${toError(thrown).message}`);
  return toError(thrown);
}

/** A row in the words of CSV. Cells stay what they were: these are somebody's own data, to be mended and sent. */
export function csvLine(cells: readonly string[], delimiter: string): string {
  const quoted = cells.map((cell) =>
    cell.includes(delimiter) || /["\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell,
  );
  return `${quoted.join(delimiter)}\n`;
}
