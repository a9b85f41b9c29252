import { SECOND } from '../../../shared/runtime/duration.ts';
import type { ApiClient } from '../api/client.ts';
import type { Context } from '../context.ts';
import { usageError, type Exit } from '../exit.ts';
import type { Fields } from '../request.ts';
import type { Output } from '../terminal/output.ts';
import { checkFile, digestOf, doubtsOf, inWords, sayBadRows, sayNotes, type CheckedFile } from './check.ts';
import { handOver, type RowResult } from './hand-over.ts';
import type { Journal } from './journal.ts';
import { Rejects } from './rejects.ts';
import { rowsOf, type CsvFile } from './rows.ts';
import { runOf } from './run.ts';

/** What can be said of a file on the command line. */
export interface FileOptions {
  csv?: string;
  delimiter?: string;
  journal?: string;
  skipInvalid?: true;
  again?: true;
  resume?: true;
  dryRun?: true;
}

/** How long a batch is repeated while the API is away; seconds. A producer that is started anew is back by then. */
const PATIENCE_SECONDS = 60;
/** How often progress is said where there is no terminal; milliseconds. */
const SAY_EVERY_MS = 5 * SECOND;

/** `tidings send --csv file`. @throws CliError */
export async function sendFile(
  context: Context,
  options: FileOptions & { csv: string; defaults: Fields },
): Promise<Exit> {
  const { output } = context;
  const { csv: file, delimiter, defaults } = options;
  // A file is not what somebody waits for at a screen: its rows go behind single ones unless it says otherwise.
  const source = { file, delimiter, defaults: { lane: 'bulk', ...defaults } };
  const checked = await checkFile(source);
  sayNotes(output, checked);
  sayBadRows(output, checked);
  if (checked.bad > 0 && !options.skipInvalid)
    throw usageError(
      `${checked.bad} of ${checked.rows} rows cannot be sent, so nothing was. Mend them, or say --skip-invalid to send the others.`,
    );
  if (options.dryRun) {
    output.print(`${checked.rows - checked.bad} of ${checked.rows} rows can be sent; nothing was`);
    for (const doubt of doubtsOf(checked)) output.print(doubt);
    return checked.bad > 0 ? 'partly' : 'done';
  }
  const api = context.api(PATIENCE_SECONDS);
  const journal = runOf(
    {
      journal: options.journal ?? `${file}.tidings-journal`,
      again: options.again === true,
      resume: options.resume === true,
    },
    checked.digest,
    api.connection,
  );
  return sendRows(context, source, { api, journal, checked });
}

async function sendRows(
  { output, isJson }: Context,
  source: CsvFile,
  { api, journal, checked }: { api: ApiClient; journal: Journal; checked: CheckedFile },
): Promise<Exit> {
  const hash = digestOf(source);
  const { rows, ...written } = await rowsOf(source, journal.head.run, hash);
  const rejects = new Rejects(`${source.file}.rejects.csv`, written);
  const tally = new Tally(checked.rows);
  const progress = progressOf(output, tally);
  const stop = stopOnSignals(output);
  try {
    for await (const results of handOver(rows, { api, journal, signal: stop.signal })) {
      for (const result of results) settle(result, { output, isJson, rejects, tally });
      progress();
      await output.drained();
    }
  } finally {
    stop.ignore();
    output.endProgress();
    summarize(output, { tally, rejects, isJson });
    if (tally.left > 0) output.say('The same command goes on where this one stopped.');
  }
  if (stop.signal.aborted) return 'interrupted';
  if (hash.digest('base64url') !== checked.digest) {
    output.say(
      `${source.file} has changed while it was read. The same command hands over what is new in it; nothing is accepted twice.`,
    );
    return 'partly';
  }
  if (tally.isComplete && journal.finishedAt === undefined) journal.finish(new Date());
  return tally.exit;
}

function settle(
  result: RowResult,
  { output, isJson, rejects, tally }: { output: Output; isJson: boolean; rejects: Rejects; tally: Tally },
): void {
  const { row, outcome } = result;
  tally.add(outcome);
  if ('errors' in result) rejects.add(row, result.errors);
  if (outcome === 'refused') output.say(`line ${row.line}: ${inWords(result.errors)}`);
  if (!isJson) return;
  output.json({
    line: row.line,
    ...('key' in row && { idempotency_key: row.key }),
    ...('id' in result && { id: result.id }),
    ...('status' in result && { status: result.status }),
    ...('errors' in result && { errors: result.errors }),
  });
}

function summarize(
  output: Output,
  { tally, rejects, isJson }: { tally: Tally; rejects: Rejects; isJson: boolean },
): void {
  const { accepted, before, refused, invalid } = tally.counts;
  const line = [
    `${accepted + before} of ${tally.rows} rows handed over`,
    before > 0 ? `${before} of them by an earlier run` : undefined,
    refused > 0 ? `${refused} refused` : undefined,
    invalid > 0 ? `${invalid} invalid` : undefined,
  ].filter((part) => part !== undefined);
  // With --json stdout has the rows, and nothing else.
  if (isJson) output.say(line.join(', '));
  else output.print(line.join(', '));
  if (rejects.count > 0) output.say(`Those that were not taken are in ${rejects.file}, with the reason.`);
}

/** Counts what became of the rows. */
class Tally {
  readonly rows: number;
  readonly counts: Record<RowResult['outcome'], number> = { accepted: 0, before: 0, refused: 0, invalid: 0 };

  constructor(rows: number) {
    this.rows = rows;
  }

  add(outcome: RowResult['outcome']): void {
    this.counts[outcome] += 1;
  }

  get handedOver(): number {
    return this.counts.accepted + this.counts.before;
  }

  /** Rows of which nothing is known yet. */
  get left(): number {
    return Math.max(0, this.rows - this.handedOver - this.counts.refused - this.counts.invalid);
  }

  get isComplete(): boolean {
    return this.handedOver >= this.rows;
  }

  get exit(): Exit {
    if (this.isComplete) return 'done';
    return this.handedOver === 0 ? 'refused' : 'partly';
  }
}

/** Says how far it is: on a terminal all the time, elsewhere every few seconds. */
function progressOf(output: Output, tally: Tally): () => void {
  const startedAt = performance.now();
  let saidAt = startedAt;
  return () => {
    const now = performance.now();
    const perSecond = Math.round((tally.counts.accepted * SECOND) / (now - startedAt));
    const words = `${tally.rows - tally.left} of ${tally.rows} rows, ${perSecond} a second`;
    if (output.progress(words) || now - saidAt < SAY_EVERY_MS) return;
    saidAt = now;
    output.say(words);
  };
}

/** The first Ctrl-C lets the batch under way come to its end; the second one ends at once. */
function stopOnSignals(output: Output): { signal: AbortSignal; ignore: () => void } {
  const controller = new AbortController();
  const onSignal = (): void => {
    controller.abort();
    ignore();
    output.say('Stopping after the batch that is under way; once more stops at once.');
  };
  const ignore = (): void => {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  return { signal: controller.signal, ignore };
}
