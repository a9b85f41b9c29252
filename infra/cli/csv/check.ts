import { createHash, type Hash } from 'node:crypto';
import type { FieldError } from '../../../shared/contracts/index.ts';
import { usageError } from '../exit.ts';
import type { Output } from '../terminal/output.ts';
import { rowsOf, type BadRow, type CsvFile, type GoodRow } from './rows.ts';

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
  /** Rows whose cells were repaired, and rows whose address an earlier row has: how many, and the first of them in words. */
  repaired: Notes;
  sameAddress: Notes;
}

/** What somebody should know of some rows, and what does not keep them from being sent. */
class Notes {
  readonly examples: string[] = [];
  count = 0;

  add(line: number, words: string): void {
    this.count += 1;
    if (this.examples.length < SHOWN) this.examples.push(`line ${line}: ${words}`);
  }
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
    repaired: new Notes(),
    sameAddress: new Notes(),
  };
  const addresses = new Map<string, { line: number; said: string }>();
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
    if (row.repairs.length > 0) found.repaired.add(row.line, inWords(row.repairs));
    noteAddress(row, addresses, found.sameAddress);
  }
  if (found.rows === 0) throw usageError(`${source.file} has no rows below its first line.`);
  return { ...found, digest: hash.digest('base64url') };
}

/** Begins the digest of a file and of what its rows have by default; whoever reads the file goes on with it. */
export function digestOf({ defaults }: CsvFile): Hash {
  return createHash('sha256').update(JSON.stringify(defaults));
}

function noteAddress(
  { line, address }: GoodRow,
  addresses: Map<string, { line: number; said: string }>,
  notes: Notes,
): void {
  if (address === undefined) return;
  const before = addresses.get(address.canonical);
  if (before === undefined) addresses.set(address.canonical, { line, said: address.said });
  else {
    const spelled = before.said === address.said ? '' : ` as ${before.said}`;
    notes.add(line, `${address.said} is in line ${before.line}, too${spelled}; each row is sent`);
  }
}

/** Says which rows are bad, each with its line. */
export function sayBadRows(output: Output, { bad, examples }: CheckedFile): void {
  for (const { line, errors } of examples) output.say(`line ${line}: ${inWords(errors)}`);
  if (bad > examples.length) output.say(`… and ${bad - examples.length} more`);
}

/** Says which rows were repaired, and which have an address in common, each with its line. */
export function sayNotes(output: Output, { repaired, sameAddress }: CheckedFile): void {
  for (const { examples, count } of [repaired, sameAddress]) {
    for (const example of examples) output.say(example);
    if (count > examples.length) output.say(`… and ${count - examples.length} more`);
  }
}

/** What there is to say of a row, field by field. */
export function inWords(errors: readonly FieldError[]): string {
  return errors.map(({ field, message }) => `${field} ${message}`).join('; ');
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
