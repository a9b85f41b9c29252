import { createHash, type Hash } from 'node:crypto';
import type { FieldError } from '../../../shared/contracts/index.ts';
import { usageError } from '../exit.ts';
import { RECIPIENTS, addressOf, completed, dataOf, errorsOf, type Address, type Fields } from '../request.ts';
import { isContent, readCell } from './cells.ts';
import { ERROR_COLUMN, UNNAMED, columnsOf } from './columns.ts';
import { isBlank, shown } from './invisible.ts';
import { csvRecords, type CsvRecord } from './records.ts';

/** A CSV file, and what its rows have where they say nothing. `delimiter`: read from the file when not given. */
export interface CsvFile {
  file: string;
  delimiter?: string | undefined;
  defaults: Fields;
}

/** A row that can be sent. `row`: which one it is, as the journal knows it. */
export interface GoodRow extends CsvRecord {
  row: string;
  /** That an earlier row says the same, perhaps with its address in another spelling. */
  isRepeat: boolean;
  key: string;
  fields: Fields;
  /** Where it goes; undefined in-app. */
  address: Address | undefined;
  /** What was changed about its cells, by column. */
  repairs: FieldError[];
}

/** A row that cannot. */
export interface BadRow extends CsvRecord {
  errors: FieldError[];
}

/** Bytes of a digest that name a row: two different ones do not meet in 160 bits. */
const NAME_BYTES = 20;

/** The rows of a file, and how it is written. */
export interface Rows {
  columns: string[];
  delimiter: string;
  hasMark: boolean;
  rows: AsyncGenerator<GoodRow | BadRow>;
}

/**
 * Reads the rows of a file. `run` goes into the idempotency keys: the same file gets the same keys, another one others, also where rows are alike.
 * A row is known by what it says and not by its line, so that rows may be added above it; of rows that say the same, each is one of its own.
 * @throws CliError when it cannot be read
 */
export async function rowsOf(source: CsvFile, run: string, hash?: Hash): Promise<Rows> {
  const { records, ...written } = await csvRecords(source.file, { delimiter: source.delimiter, hash });
  const first = await records.next();
  if (first.done) throw usageError(`${source.file} is empty.`);
  const columns = columnsOf(source.file, first.value, written.delimiter);
  return { ...written, columns, rows: readRows(records, new RowReader(columns, source.defaults, run)) };
}

async function* readRows(
  records: AsyncGenerator<CsvRecord>,
  reader: RowReader,
): AsyncGenerator<GoodRow | BadRow> {
  for await (const record of records) yield reader.read(record);
}

/** What the cells of a row say. */
interface CellsRead {
  values: Fields & { idempotency_key?: string };
  errors: FieldError[];
  repairs: FieldError[];
}

class RowReader {
  readonly #columns: readonly string[];
  readonly #defaults: Fields;
  readonly #run: string;
  /** Columns that say where a row goes. */
  readonly #recipients: readonly string[];
  /** Where no column could say where a row goes, it is in-app; where one could, an empty cell is a mistake. */
  readonly #mustHaveRecipient: boolean;
  /** How often what a row says has come. */
  readonly #seen = new Map<string, number>();
  /** The line of each key that the file gives. */
  readonly #ownKeys = new Map<string, number>();

  constructor(columns: readonly string[], defaults: Fields, run: string) {
    this.#columns = columns;
    this.#defaults = defaults;
    this.#run = run;
    this.#recipients = RECIPIENTS.filter((recipient) => columns.includes(recipient));
    this.#mustHaveRecipient = this.#recipients.length > 0 || columns.includes('type');
  }

  read(record: CsvRecord): GoodRow | BadRow {
    const { values, errors: cellErrors, repairs } = this.#cellsOf(record.cells);
    const { idempotency_key: ownKey, ...given } = values;
    const fields = completed({ ...this.#defaults, ...given }, { mustHaveRecipient: this.#mustHaveRecipient });
    const errors = firstOfEach([
      ...this.#shapeErrors(record.cells),
      ...cellErrors,
      ...(this.#addressErrors(fields) ?? errorsOf(fields, ownKey).map((error) => withValue(error, values))),
      ...this.#keyErrors(record.line, ownKey),
    ]);
    if (errors.length > 0) return { ...record, errors };
    const address = addressOf(fields);
    const { row, isRepeat } = this.#nameOf(fields, { address, ownKey });
    return { ...record, fields, address, repairs, row, isRepeat, key: ownKey ?? `csv-${row}` };
  }

  /** An empty cell says nothing. */
  #cellsOf(cells: readonly string[]): CellsRead {
    const read: CellsRead = { values: {}, errors: [], repairs: [] };
    for (const [index, column] of this.#columns.entries()) {
      if (column === ERROR_COLUMN || column === UNNAMED) continue;
      const { value, repairs, error } = readCell(column, cells[index] ?? '');
      if (error !== undefined) read.errors.push({ field: column, message: error });
      read.repairs.push(...repairs.map((message) => ({ field: column, message })));
      if (value !== '') read.values[column] = column === 'data' ? dataOf(value) : value;
    }
    return read;
  }

  /** Empty cells too many do no harm: spreadsheets add them. */
  #shapeErrors(cells: readonly string[]): FieldError[] {
    const { length } = this.#columns;
    const tooMany = cells.slice(length).some((cell) => !isBlank(cell));
    if (cells.length < length || tooMany)
      return [{ field: 'row', message: `has ${cells.length} cells, and the first line ${length}` }];
    const index = this.#columns.findIndex((column, nth) => column === UNNAMED && !isBlank(cells[nth] ?? ''));
    if (index < 0) return [];
    const message = `says ${shown(cells[index] ?? '')} in cell ${index + 1}, whose column has no name in the first line`;
    return [{ field: 'row', message }];
  }

  /** A row of a file with addresses that has none: never is that sent another way. */
  #addressErrors(fields: Fields): FieldError[] | undefined {
    const [field, ...others] = this.#recipients;
    if (field === undefined || fields.type !== undefined) return undefined;
    if (RECIPIENTS.some((recipient) => fields[recipient] !== undefined)) return undefined;
    return [{ field, message: [...others.map((other) => `or ${other}`), 'is required'].join(' ') }];
  }

  #keyErrors(line: number, ownKey: string | undefined): FieldError[] {
    if (ownKey === undefined) return [];
    const before = this.#ownKeys.get(ownKey);
    if (before !== undefined)
      return [{ field: 'idempotency_key', message: `is the same as in line ${before}` }];
    this.#ownKeys.set(ownKey, line);
    return [];
  }

  /** A row stays the same one when its address is only spelled in another way. */
  #nameOf(
    fields: Fields,
    { address, ownKey }: { address: Address | undefined; ownKey: string | undefined },
  ): Pick<GoodRow, 'row' | 'isRepeat'> {
    const entries = Object.entries(fields).map(([name, value]): [string, unknown] => [
      name,
      value === address?.said ? address?.canonical : value,
    ]);
    const content = JSON.stringify(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
    const said = nameFrom(this.#run, ownKey ?? '', content);
    const nth = this.#seen.get(said) ?? 0;
    this.#seen.set(said, nth + 1);
    return { row: nth === 0 ? said : nameFrom(said, String(nth)), isRepeat: nth > 0 };
  }
}

/** One error for each field: what a cell itself has wrong comes before what follows from it. */
function firstOfEach(errors: readonly FieldError[]): FieldError[] {
  const fields = errors.map(({ field }) => field);
  return errors.filter(({ field }, index) => fields.indexOf(field) === index);
}

/** With what the cell says, for whoever looks for it in the file; never a whole text. */
function withValue({ field, message }: FieldError, values: Fields): FieldError {
  const value = values[field];
  const isShown = typeof value === 'string' && !isContent(field);
  return { field, message: isShown ? `${message} (${shown(value)})` : message };
}

function nameFrom(...parts: string[]): string {
  const digest = createHash('sha256').update(JSON.stringify(parts)).digest();
  return digest.toString('base64url', 0, NAME_BYTES);
}
