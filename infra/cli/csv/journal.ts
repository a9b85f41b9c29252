import {
  closeSync,
  existsSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readFileSync,
  renameSync,
  writeSync,
} from 'node:fs';
import { z } from 'zod';
import { toError } from '../../../shared/runtime/errors.ts';
import { usageError } from '../exit.ts';

const headSchema = z.object({
  journal: z.literal('tidings send --csv'),
  version: z.literal(1),
  /** What the idempotency keys of this run are made with. */
  run: z.string(),
  /** Where it goes, and by whose key: elsewhere nothing of it is done. */
  target: z.string(),
  sender: z.string(),
  digest: z.string(),
  begun_at: z.string(),
});
const entrySchema = z.union([
  z.object({ row: z.string(), id: z.string() }),
  z.object({ digest: z.string() }),
  z.object({ finished_at: z.string() }),
]);

/** How a run began. */
export type JournalHead = z.output<typeof headSchema>;

/**
 * What of a file was handed over, in a file beside it: a first line about the run, and a line for each accepted row. Losing its end costs nothing
 * but asking again, for the idempotency keys do not depend on it.
 */
export class Journal {
  readonly head: JournalHead;
  /** Of the file as it was last read. */
  digest: string;
  finishedAt: string | undefined;
  readonly #ids = new Map<string, string>();
  readonly #path: string;
  #handle: number | undefined;

  private constructor(path: string, head: JournalHead) {
    this.#path = path;
    this.head = head;
    this.digest = head.digest;
  }

  /** Reads a journal; undefined when there is none. A line that was cut off by a kill is as if it had never been. @throws CliError */
  static read(path: string): Journal | undefined {
    if (!existsSync(path)) return undefined;
    const text = attempt(path, 'read', () => readFileSync(path, 'utf8'));
    const lines = text.split('\n');
    // What comes after the last line's end.
    lines.pop();
    const head = headSchema.safeParse(parsed(lines.shift()));
    if (!head.success)
      throw usageError(
        `${path} is no journal of this program. Name another one with --journal, or move it away.`,
      );
    const journal = new Journal(path, head.data);
    for (const line of lines) journal.#take(parsed(line));
    return journal;
  }

  /** Begins a new journal, in the place of an older one. It is on the disk when this returns. @throws CliError */
  static begin(path: string, head: Omit<JournalHead, 'journal' | 'version'>): Journal {
    const whole: JournalHead = { journal: 'tidings send --csv', version: 1, ...head };
    attempt(path, 'written', () => {
      const handle = openSync(`${path}.new`, 'w', 0o600);
      writeSync(handle, lineOf(whole));
      fsyncSync(handle);
      closeSync(handle);
      renameSync(`${path}.new`, path);
    });
    return new Journal(path, whole);
  }

  /** The id that a row was given; undefined when it was not accepted yet. */
  idOf(row: string): string | undefined {
    return this.#ids.get(row);
  }

  /** How many rows were accepted. */
  get accepted(): number {
    return this.#ids.size;
  }

  /** Notes accepted rows. */
  note(rows: readonly { row: string; id: string }[]): void {
    this.#append(rows);
  }

  /** Notes that the file is another one than before. */
  noteDigest(digest: string): void {
    if (digest !== this.digest || this.finishedAt !== undefined) this.#append([{ digest }]);
  }

  /** Notes that every row of the file was accepted. */
  finish(now: Date): void {
    this.#append([{ finished_at: now.toISOString() }]);
  }

  #append(entries: readonly z.output<typeof entrySchema>[]): void {
    attempt(this.#path, 'written', () => {
      this.#handle ??= openAtEnd(this.#path);
      writeSync(this.#handle, entries.map(lineOf).join(''));
    });
    for (const entry of entries) this.#take(entry);
  }

  #take(given: unknown): void {
    const { data: entry } = entrySchema.safeParse(given);
    if (!entry) return;
    if ('row' in entry) this.#ids.set(entry.row, entry.id);
    else if ('finished_at' in entry) this.finishedAt = entry.finished_at;
    else {
      this.digest = entry.digest;
      this.finishedAt = undefined;
    }
  }
}

/** Opens it for more lines, behind its last whole one. */
function openAtEnd(path: string): number {
  const content = readFileSync(path);
  const handle = openSync(path, 'r+');
  ftruncateSync(handle, content.lastIndexOf('\n') + 1);
  closeSync(handle);
  return openSync(path, 'a');
}

function lineOf(value: unknown): string {
  return `${JSON.stringify(value)}\n`;
}

function parsed(line: string | undefined): unknown {
  try {
    return JSON.parse(line ?? '');
  } catch {
    return undefined;
  }
}

function attempt<T>(path: string, verb: string, work: () => T): T {
  try {
    return work();
  } catch (thrown) {
    throw usageError(
      `The journal ${path} cannot be ${verb}: ${toError(thrown).message}. --journal puts it elsewhere.`,
    );
  }
}
