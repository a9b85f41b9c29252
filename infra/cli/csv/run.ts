import { randomUUID } from 'node:crypto';
import { placeOf, senderOf, type Connection } from '../api/connection.ts';
import { usageError } from '../exit.ts';
import { Journal } from './journal.ts';

/** How somebody wants a file to be gone on with. */
export interface RunOptions {
  journal: string;
  again: boolean;
  resume: boolean;
}

/**
 * The run that a command goes on with, or begins.
 *
 * | journal | the file | so |
 * |---|---|---|
 * | none | | a new run; its keys are made of the file, so that even without the journal the same file is not sent twice |
 * | not finished | the same, or changed | goes on: rows that were accepted are passed over |
 * | finished | the same | nothing is left to do |
 * | finished | changed | asks: --resume for new and changed rows, --again for all |
 *
 * With --again: a new run, with keys that nobody had before. @throws CliError
 */
export function runOf(options: RunOptions, digest: string, { address, key }: Connection): Journal {
  const target = placeOf(address);
  const sender = senderOf(key);
  const head = { target, sender, digest, begun_at: new Date().toISOString() };
  if (options.again) return Journal.begin(options.journal, { ...head, run: randomUUID() });
  const journal = Journal.read(options.journal);
  if (!journal) return Journal.begin(options.journal, { ...head, run: digest });
  checkPlace(options.journal, journal, { target, sender });
  const hasChanged = digest !== journal.digest;
  if (journal.finishedAt !== undefined && hasChanged && !options.resume)
    throw usageError(
      `All rows of this file were handed over at ${journal.finishedAt}, and it has changed since. ` +
        'Say --resume to hand over the rows that are new or have changed, or --again to hand over all of them.',
    );
  if (hasChanged) journal.noteDigest(digest);
  return journal;
}

/** Keys and records are those of one fleet and one key. */
function checkPlace(path: string, { head }: Journal, now: { target: string; sender: string }): void {
  const differing = (['target', 'sender'] as const).find((what) => head[what] !== now[what]);
  if (differing === undefined) return;
  const preposition = { target: 'to', sender: 'with' }[differing];
  throw usageError(
    `This file was handed over ${preposition} ${head[differing]}, and not ${preposition} ${now[differing]}, says ${path}. ` +
      'Name another journal with --journal to hand it over here as well.',
  );
}
