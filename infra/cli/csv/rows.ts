import { createHash, type Hash } from 'node:crypto';
import type { FieldError } from '../../../shared/contracts/index.ts';
import { usageError } from '../exit.ts';
import { completed, dataOf, errorsOf, type Fields } from '../request.ts';
import { ERROR_COLUMN, columnsOf } from './columns.ts';
import { csvRecords, type CsvRecord } from './records.ts';

/** A CSV file, and what its rows have where they say nothing. */
export interface CsvFile {
  file: string;
  delimiter: string;
  defaults: Fields;
}

/** A row that can be sent. `row`: which one it is, as the journal knows it. */
export interface GoodRow extends CsvRecord {
  row: string;
  /** That an earlier row says the same. */
  isRepeat: boolean;
  key: string;
  fields: Fields;
}

/** A row that cannot. */
export interface BadRow extends CsvRecord {
  errors: FieldError[];
}

/** Bytes of a digest that name a row: two different ones do not meet in 160 bits. */
const NAME_BYTES = 20;
/** What a decoder puts where bytes are no UTF-8. */
const NOT_UTF8 = '\ufffd';

/** The rows of a file, and its first line. */
export interface Rows {
  columns: string[];
  rows: AsyncGenerator<GoodRow | BadRow>;
}

/**
 * Reads the rows of a file. `run` goes into the idempotency keys: the same file gets the same keys, another one others, also where rows are alike.
 * A row is known by what it says and not by its line, so that rows may be added above it; of rows that say the same, each is one of its own.
 * @throws CliError when it cannot be read
 */
export async function rowsOf(source: CsvFile, run: string, hash?: Hash): Promise<Rows> {
  const records = csvRecords(source.file, source.delimiter, hash);
  const first = await records.next();
  if (first.done) throw usageError(`${source.file} is empty.`);
  const columns = columnsOf(source.file, first.value.cells);
  return { columns, rows: readRows(records, new RowReader(columns, source.defaults, run)) };
}

async function* readRows(
  records: AsyncGenerator<CsvRecord>,
  reader: RowReader,
): AsyncGenerator<GoodRow | BadRow> {
  for await (const record of records) yield reader.read(record);
}

class RowReader {
  readonly #columns: readonly string[];
  readonly #defaults: Fields;
  readonly #run: string;
  /** How often what a row says has come. */
  readonly #seen = new Map<string, number>();
  /** The line of each key that the file gives. */
  readonly #ownKeys = new Map<string, number>();

  constructor(columns: readonly string[], defaults: Fields, run: string) {
    this.#columns = columns;
    this.#defaults = defaults;
    this.#run = run;
  }

  read(record: CsvRecord): GoodRow | BadRow {
    const { idempotency_key: ownKey, ...given } = this.#valuesOf(record.cells);
    const fields = completed({ ...this.#defaults, ...given });
    const errors = [
      ...this.#shapeErrors(record.cells),
      ...errorsOf(fields, ownKey),
      ...this.#keyErrors(record.line, ownKey),
    ];
    if (errors.length > 0) return { ...record, errors };
    const { row, isRepeat } = this.#nameOf(fields, ownKey);
    return { ...record, fields, row, isRepeat, key: ownKey ?? `csv-${row}` };
  }

  /** An empty cell says nothing. */
  #valuesOf(cells: readonly string[]): Fields & { idempotency_key?: string } {
    const values: Fields = {};
    for (const [index, column] of this.#columns.entries()) {
      const cell = cells[index] ?? '';
      if (cell === '' || column === ERROR_COLUMN) continue;
      values[column] = column === 'data' ? dataOf(cell) : cell;
    }
    return values;
  }

  #shapeErrors(cells: readonly string[]): FieldError[] {
    const errors: FieldError[] = [];
    if (cells.length !== this.#columns.length)
      errors.push({
        field: 'row',
        message: `has ${cells.length} cells, and the first line ${this.#columns.length}`,
      });
    if (cells.some((cell) => cell.includes(NOT_UTF8)))
      errors.push({ field: 'row', message: 'is not in UTF-8: save the file as CSV in UTF-8' });
    return errors;
  }

  #keyErrors(line: number, ownKey: string | undefined): FieldError[] {
    if (ownKey === undefined) return [];
    const before = this.#ownKeys.get(ownKey);
    if (before !== undefined)
      return [{ field: 'idempotency_key', message: `is the same as in line ${before}` }];
    this.#ownKeys.set(ownKey, line);
    return [];
  }

  #nameOf(fields: Fields, ownKey: string | undefined): Pick<GoodRow, 'row' | 'isRepeat'> {
    const content = JSON.stringify(Object.entries(fields).sort(([a], [b]) => (a < b ? -1 : 1)));
    const said = nameFrom(this.#run, ownKey ?? '', content);
    const nth = this.#seen.get(said) ?? 0;
    this.#seen.set(said, nth + 1);
    return { row: nth === 0 ? said : nameFrom(said, String(nth)), isRepeat: nth > 0 };
  }
}

function nameFrom(...parts: string[]): string {
  const digest = createHash('sha256').update(JSON.stringify(parts)).digest();
  return digest.toString('base64url', 0, NAME_BYTES);
}
