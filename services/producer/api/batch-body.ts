import { MAX_BATCH_ITEMS, MAX_BODY_BYTES, type FieldError } from '../../../shared/contracts/index.ts';
import { ListFinder, type Span } from '../../../shared/runtime/json-bytes.ts';
import type { Reading } from '../../../shared/runtime/strict-json.ts';
import { decodeUtf8 } from '../../../shared/runtime/utf8.ts';
import { Turns } from '../../../shared/runtime/turns.ts';
import { excessOf, readDocument, readJsonBody } from './json-body.ts';
import { Problem } from './problem.ts';

/** The list of a batch. */
const LIST = 'notifications';
/** Bytes that are looked at in one step. */
const STEP_BYTES = 64 * 1024;
/** Of a batch of so many bytes, the values of all items are kept; of a larger one each item is parsed again when its turn comes. */
const KEPT_BYTES = MAX_BODY_BYTES;

/** One item of a batch: its value, or what is wrong with it before anybody looks at its fields. */
export class BatchItem {
  readonly #bytes: Buffer;
  /** What `check` has found. */
  #troubles: FieldError[] | undefined;
  #kept: Reading | undefined;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** Its length in bytes. */
  get length(): number {
    return this.#bytes.length;
  }

  /** Finds out whether it is JSON. `keep`: its value is at hand afterwards. @throws Problem when it is none. */
  check(keep: boolean): void {
    const read = this.#read();
    this.#troubles = read.troubles;
    if (keep) this.#kept = read;
  }

  /** Its value, and what of it cannot be kept as it was given. */
  read(): Reading {
    if (this.#kept) return this.#kept;
    const troubles = this.#troubles ?? [];
    return troubles.length > 0 ? { value: undefined, troubles } : { value: valueOf(this.#bytes), troubles };
  }

  #read(): Reading {
    const { length } = this.#bytes;
    if (length > MAX_BODY_BYTES)
      return without({
        field: 'body',
        message: `has ${length} bytes; a notification has at most ${MAX_BODY_BYTES}`,
      });
    const excess = excessOf(this.#bytes);
    return excess ? without(excess) : readDocument(this.#bytes);
  }
}

/** What was checked before need not be inspected again. */
function valueOf(bytes: Buffer): unknown {
  return JSON.parse(decodeUtf8(bytes));
}

function without(trouble: FieldError): Reading {
  return { value: undefined, troubles: [trouble] };
}

/**
 * Reads the body of a batch in short turns. Its items are counted before anything is parsed, and each is parsed by itself; `notifications` of
 * the value holds a `BatchItem` for each.
 * @throws Problem when it is no JSON object, or has too many items.
 */
export async function readBatchBody(bytes: Buffer): Promise<Reading> {
  const turns = new Turns();
  const finder = new ListFinder(bytes, { name: LIST, keep: MAX_BATCH_ITEMS });
  while (finder.advance(STEP_BYTES)) await turns.next();
  const { count } = finder;
  if (count > MAX_BATCH_ITEMS)
    throw new Problem('validation_failed', {
      errors: [
        { field: LIST, message: `must be at most ${MAX_BATCH_ITEMS} notifications, and has ${count}` },
      ],
    });
  const { value, troubles } = readFrame(bytes, finder.list);
  const items = finder.items.map(({ start, end }) => new BatchItem(bytes.subarray(start, end)));
  for (const item of items) {
    item.check(bytes.length <= KEPT_BYTES);
    await turns.next();
  }
  return { value: finder.list ? { ...(value as object), [LIST]: items } : value, troubles };
}

/** What is around the items, with an empty list in their place. */
function readFrame(bytes: Buffer, { start, end }: Span = { start: 0, end: 0 }): Reading {
  const frame = Buffer.concat([bytes.subarray(0, start), bytes.subarray(end)]);
  if (frame.length > MAX_BODY_BYTES)
    throw new Problem('validation_failed', {
      errors: [
        { field: 'body', message: `has ${frame.length} bytes beside ${LIST}; the most is ${MAX_BODY_BYTES}` },
      ],
    });
  return readJsonBody(frame);
}
