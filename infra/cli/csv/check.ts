import { createHash, type Hash } from 'node:crypto';
import { usageError } from '../exit.ts';
import type { Output } from '../terminal/output.ts';
import { rowsOf, type BadRow, type CsvFile } from './rows.ts';

/** Bad rows that are shown; the number of all is said. */
const SHOWN = 20;
/** Rows of one file: the names of all are kept in memory, some 200 bytes each. */
const MAX_ROWS = 1_000_000;

/** What is known of a file before anything of it is sent. */
export interface CheckedFile {
  /** Of its bytes, and of what its rows have by default: another one is another list. */
  digest: string;
  rows: number;
  /** How many cannot be sent, and the first of them. */
  bad: number;
  examples: BadRow[];
  /** How many can be sent, and are perhaps not meant: they say the same as a row above, or are e-mails without a subject. */
  repeated: number;
  withoutSubject: number;
}

/** Reads a whole file and checks each row. @throws CliError when it is no file of notifications */
export async function checkFile(source: CsvFile): Promise<CheckedFile> {
  const hash = digestOf(source);
  const { rows } = await rowsOf(source, '', hash);
  const found: Omit<CheckedFile, 'digest'> = {
    rows: 0,
    bad: 0,
    examples: [],
    repeated: 0,
    withoutSubject: 0,
  };
  for await (const row of rows) {
    found.rows += 1;
    if (found.rows > MAX_ROWS) throw usageError(`${source.file} has more than ${MAX_ROWS} rows: split it.`);
    if ('errors' in row) {
      found.bad += 1;
      if (found.examples.length < SHOWN) found.examples.push(row);
      continue;
    }
    if (row.isRepeat) found.repeated += 1;
    if (row.fields.type === 'email' && row.fields.subject === undefined) found.withoutSubject += 1;
  }
  if (found.rows === 0) throw usageError(`${source.file} has no rows below its first line.`);
  return { ...found, digest: hash.digest('base64url') };
}

/** Begins the digest of a file and of what its rows have by default; whoever reads the file goes on with it. */
export function digestOf({ defaults }: CsvFile): Hash {
  return createHash('sha256').update(JSON.stringify(defaults));
}

/** Says which rows are bad, each with its line. */
export function sayBadRows(output: Output, { bad, examples }: CheckedFile): void {
  for (const { line, errors } of examples)
    output.say(`line ${line}: ${errors.map(({ field, message }) => `${field} ${message}`).join('; ')}`);
  if (bad > examples.length) output.say(`… and ${bad - examples.length} more`);
}

/** What of a good file is perhaps not meant, as a line each. */
export function doubtsOf({ repeated, withoutSubject }: CheckedFile): string[] {
  const rows = (count: number, one: string, many: string): string => `${count} ${count === 1 ? one : many}`;
  return [
    ...(repeated > 0
      ? [`${rows(repeated, 'row says', 'rows say')} the same as a row above; each would be sent`]
      : []),
    ...(withoutSubject > 0 ? [`${rows(withoutSubject, 'e-mail has', 'e-mails have')} no subject`] : []),
  ];
}
