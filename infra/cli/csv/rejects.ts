import { appendFileSync, writeFileSync } from 'node:fs';
import type { FieldError } from '../../../shared/contracts/index.ts';
import { ERROR_COLUMN } from './columns.ts';
import { csvLine, type CsvRecord } from './records.ts';

/** The rows that were not taken, in a file of their own with the reason in a column more: to be mended and sent. */
export class Rejects {
  readonly file: string;
  readonly #columns: readonly string[];
  readonly #delimiter: string;
  readonly #old: number;
  #count = 0;

  /** The file is written when the first one comes. */
  constructor(file: string, columns: readonly string[], delimiter: string) {
    this.file = file;
    this.#columns = columns;
    this.#delimiter = delimiter;
    this.#old = columns.indexOf(ERROR_COLUMN);
  }

  get count(): number {
    return this.#count;
  }

  /** Writes one, with why. */
  add({ cells }: CsvRecord, errors: readonly FieldError[]): void {
    if (this.#count === 0) writeFileSync(this.file, this.#line(this.#columns, ERROR_COLUMN), { mode: 0o600 });
    const why = errors.map(({ field, message }) => `${field} ${message}`).join('; ');
    appendFileSync(this.file, this.#line(cells, why));
    this.#count += 1;
  }

  #line(cells: readonly string[], last: string): string {
    const kept = cells.filter((_, index) => index !== this.#old);
    return csvLine([...kept, last], this.#delimiter);
  }
}
