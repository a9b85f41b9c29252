import { appendFileSync, writeFileSync } from 'node:fs';
import type { FieldError } from '../../../shared/contracts/index.ts';
import { ERROR_COLUMN } from './columns.ts';
import { isBlank } from './invisible.ts';
import { csvLine, type CsvRecord } from './records.ts';
import type { Rows } from './rows.ts';

/** The rows that were not taken, in a file of their own with the reason in a column more: to be mended and sent. */
export class Rejects {
  readonly file: string;
  readonly #written: Pick<Rows, 'columns' | 'delimiter' | 'hasMark'>;
  readonly #old: number;
  #count = 0;

  /** The file is written when the first one comes, in the way in which the other one is. */
  constructor(file: string, written: Pick<Rows, 'columns' | 'delimiter' | 'hasMark'>) {
    this.file = file;
    this.#written = written;
    this.#old = written.columns.indexOf(ERROR_COLUMN);
  }

  get count(): number {
    return this.#count;
  }

  /** Writes one, with why. */
  add({ cells }: CsvRecord, errors: readonly FieldError[]): void {
    if (this.#count === 0) this.#begin();
    const why = errors.map(({ field, message }) => `${field} ${message}`).join('; ');
    appendFileSync(this.file, this.#line(cells, why));
    this.#count += 1;
  }

  #begin(): void {
    const { columns, hasMark } = this.#written;
    const mark = hasMark ? '\ufeff' : '';
    writeFileSync(this.file, mark + this.#line(columns, ERROR_COLUMN), { mode: 0o600 });
  }

  #line(cells: readonly string[], last: string): string {
    const { length } = this.#written.columns;
    // The reason stands in its own column: also behind a row that is too short, or has empty cells too many.
    const padded = [...cells, ...Array<string>(Math.max(0, length - cells.length)).fill('')];
    const whole = padded.filter((cell, index) => index < length || !isBlank(cell));
    const kept = whole.filter((_, index) => index !== this.#old);
    return csvLine([...kept, last], this.#written.delimiter);
  }
}
