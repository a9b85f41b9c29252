import { setImmediate } from 'node:timers/promises';
import { MAX_BATCH_BYTES, MAX_BATCH_ITEMS, type FieldError } from '../../../shared/contracts/index.ts';
import { MINUTE } from '../../../shared/runtime/duration.ts';
import { batchAnswer } from '../api/answers.ts';
import type { ApiClient } from '../api/client.ts';
import type { Journal } from './journal.ts';
import type { BadRow, GoodRow } from './rows.ts';

/** A batch is closed at so many bytes: what is around the items has room left. */
const FULL_BYTES = 0.9 * MAX_BATCH_BYTES;
/** How long the API may take for a batch, in milliseconds; beside a busy broker it waits for room. */
const BATCH_TIMEOUT_MS = MINUTE;

/** What became of one row. */
export type RowResult =
  | { row: GoodRow; outcome: 'accepted'; id: string; status: string }
  | { row: GoodRow; outcome: 'before'; id: string }
  | { row: GoodRow; outcome: 'refused'; errors: FieldError[] }
  | { row: BadRow; outcome: 'invalid'; errors: FieldError[] };

/**
 * Hands rows over in batches, and answers what became of each, in pieces. Rows that the journal has are passed over. What a batch accepted is in
 * the journal before it is answered here. Each row has its own idempotency key, so a batch may be repeated. @throws CliError
 */
export async function* handOver(
  rows: AsyncIterable<GoodRow | BadRow>,
  { api, journal, signal }: { api: ApiClient; journal: Journal; signal: AbortSignal },
): AsyncGenerator<RowResult[]> {
  const batch = new Batch();
  let passed: RowResult[] = [];
  for await (const row of rows) {
    if (signal.aborted) return;
    const known = knownResult(row, journal);
    if (known) passed.push(known);
    else if (!('errors' in row)) {
      if (batch.isFullWith(row)) {
        if (await isStopped(signal)) return;
        yield await post(batch.takeAll(), api, journal);
      }
      batch.add(row);
    }
    if (passed.length >= MAX_BATCH_ITEMS) {
      yield passed;
      passed = [];
    }
  }
  yield passed;
  if (!(await isStopped(signal))) yield await post(batch.takeAll(), api, journal);
}

/**
 * Whether a Ctrl-C has come by now. Node hears of signals in a round of its event loop, after what came over connections: an answer and the rows
 * behind it may be worked off before, and the next batch would go although somebody had stopped it. The first step ends the round under way, the
 * second one a whole round.
 */
async function isStopped(signal: AbortSignal): Promise<boolean> {
  await setImmediate();
  await setImmediate();
  return signal.aborted;
}

function knownResult(row: GoodRow | BadRow, journal: Journal): RowResult | undefined {
  if ('errors' in row) return { row, outcome: 'invalid', errors: row.errors };
  const id = journal.idOf(row.row);
  return id === undefined ? undefined : { row, outcome: 'before', id };
}

async function post(rows: GoodRow[], api: ApiClient, journal: Journal): Promise<RowResult[]> {
  if (rows.length === 0) return [];
  const { accepted, rejected } = await api.call(batchAnswer, {
    method: 'POST',
    path: '/v1/notifications/batch',
    body: { notifications: rows.map(itemOf) },
    isRepeatable: true,
    timeoutMs: BATCH_TIMEOUT_MS,
  });
  const taken = accepted.flatMap(({ index, id, status }) => {
    const row = rows[index];
    return row ? [{ row, outcome: 'accepted' as const, id, status }] : [];
  });
  const refused = rejected.flatMap(({ index, errors }) => {
    const row = rows[index];
    return row ? [{ row, outcome: 'refused' as const, errors }] : [];
  });
  journal.note(taken.map(({ row, id }) => ({ row: row.row, id })));
  return [...taken, ...refused];
}

/** Rows that go together. */
class Batch {
  #rows: GoodRow[] = [];
  #bytes = 0;

  isFullWith(row: GoodRow): boolean {
    return (
      this.#rows.length >= MAX_BATCH_ITEMS ||
      (this.#rows.length > 0 && this.#bytes + bytesOf(row) > FULL_BYTES)
    );
  }

  add(row: GoodRow): void {
    this.#rows.push(row);
    this.#bytes += bytesOf(row);
  }

  takeAll(): GoodRow[] {
    const rows = this.#rows;
    this.#rows = [];
    this.#bytes = 0;
    return rows;
  }
}

function itemOf({ fields, key }: GoodRow): object {
  return { ...fields, idempotency_key: key };
}

function bytesOf(row: GoodRow): number {
  return Buffer.byteLength(JSON.stringify(itemOf(row))) + 1;
}
