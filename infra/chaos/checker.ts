import { DEAD_LETTER_QUEUE, PARKING_QUEUE } from '../../shared/broker/index.ts';
import { TRANSITIONS, type Status } from '../../shared/contracts/index.ts';
import type { Handover, History, StoredRecord, Wish } from './history.ts';

/** What a run may show besides the promises. */
export interface Allowance {
  /** Providers refuse at random, so that recipients who are fine may become dead letters. */
  deadLetters?: boolean;
  /** Messages that were put into the parking queue on purpose. */
  parked?: number;
}

/** The store has no record; its record is not at rest; its record says sent, and nobody got it. */
export type Loss = 'no record' | 'not at rest' | 'not received';

/** Jepsen's total-queue accounting, and our promises. Lists hold markers; empty ones are good. */
export interface Verdict {
  attempted: number;
  accepted: number;
  terminal: number;
  delivered: number;
  /** Accepted or stored, and neither delivered nor ended. */
  lost: string[];
  /** The same, by what is wrong with them. */
  lostBy: Record<Loss, number>;
  /** Delivered, and nobody had asked for it, or it had been canceled. */
  unexpected: string[];
  /** Never confirmed to its client, and found in the store all the same. */
  recovered: number;
  duplicates: number;
  ambiguous: number;
  bound: number;
  /** Dead letters of recipients who are fine. */
  wronglyDead: string[];
  /** Whatever else is wrong, in words. */
  violations: string[];
  /** Longest time without any delivery between the first 202 and the last delivery, in milliseconds. */
  longestStallMs: number;
  /** The slowest answer that a client got, in milliseconds. */
  slowestMs: number;
  /** From the end of the fault to the end of the last notification, in milliseconds. */
  recoveryMs: number;
  ok: boolean;
}

/** States in which nothing more happens by itself. */
const AT_REST = new Set<Status>([
  ...(Object.keys(TRANSITIONS) as Status[]).filter((status) => TRANSITIONS[status].length === 0),
  'sent',
  'failed_permanently',
  'outcome_unknown',
]);
const DELIVERED = new Set<Status>(['sent', 'delivered']);
/** Words of a violation show so many examples. */
const EXAMPLES = 3;

/** Compares what was promised with what the store says and what people got. Knows nothing of the fleet. */
export function check(history: History, allowance: Allowance = {}): Verdict {
  const { wishes, handovers, records, bound } = history;
  const byMarker = groupBy(records, (record) => record.idempotency_key ?? '');
  const received = groupBy(handovers, (handover) => handover.marker);
  const wanted = new Map(wishes.map((wish) => [wish.marker, wish]));
  const losses = wishes.flatMap((wish) => {
    const loss = lossOf(wish, byMarker.get(wish.marker)?.[0], received.has(wish.marker));
    return loss ? [{ marker: wish.marker, loss }] : [];
  });
  const countOf = (kind: Loss): number => losses.filter(({ loss }) => loss === kind).length;
  const unexpected = [...received.keys()].filter((marker) => isUnexpected(wanted.get(marker)));
  const duplicates = sum([...received.values()].map((times) => times.length - 1));
  const ambiguous = sum(records.map((record) => record.ambiguous_count));
  const wronglyDead = wishes.filter(
    ({ marker, recipient }) =>
      recipient !== 'refused' && byMarker.get(marker)?.[0]?.status === 'failed_permanently',
  );
  const violations = [
    ...violationsOf(history, byMarker, received),
    ...booksOf(history, allowance),
    ...(duplicates > bound ? [`${duplicates} duplicates, and ${bound} are allowed`] : []),
    ...(ambiguous > bound ? [`${ambiguous} ambiguous attempts, and ${bound} are allowed`] : []),
  ];
  const bad = [losses, unexpected, violations, allowance.deadLetters ? [] : wronglyDead];
  return {
    attempted: wishes.length,
    accepted: wishes.filter(({ id }) => id !== undefined).length,
    terminal: records.filter(({ status }) => AT_REST.has(status)).length,
    delivered: received.size,
    lost: losses.map(({ marker }) => marker),
    lostBy: {
      'no record': countOf('no record'),
      'not at rest': countOf('not at rest'),
      'not received': countOf('not received'),
    },
    unexpected,
    recovered: wishes.filter(({ marker, id }) => id === undefined && byMarker.has(marker)).length,
    duplicates,
    ambiguous,
    bound,
    wronglyDead: wronglyDead.map(({ marker }) => marker),
    violations,
    longestStallMs: longestStall(history),
    slowestMs: history.slowestMs,
    recoveryMs: records.reduce((longest, record) => Math.max(longest, endOf(record) - history.healedAt), 0),
    ok: bad.every((list) => list.length === 0),
  };
}

/** An accepted one must be in the store, at rest, and with the person if the store says so. One that is stored was perhaps accepted. */
function lossOf({ id }: Wish, record: StoredRecord | undefined, isReceived: boolean): Loss | undefined {
  if (!record) return id === undefined ? undefined : 'no record';
  if (!AT_REST.has(record.status)) return 'not at rest';
  return DELIVERED.has(record.status) && !isReceived ? 'not received' : undefined;
}

/** Whoever is fine, and did not cancel, gets it; a dead letter is judged apart. */
function isStranded({ recipient, cancel }: Wish, record: StoredRecord | undefined): boolean {
  if (recipient === 'refused' || cancel === 'won' || cancel === 'unknown' || !record) return false;
  return (
    AT_REST.has(record.status) && !DELIVERED.has(record.status) && record.status !== 'failed_permanently'
  );
}

function isUnexpected(wish: Wish | undefined): boolean {
  return wish === undefined || wish.cancel === 'won';
}

function violationsOf(
  { wishes, complaints }: History,
  byMarker: ReadonlyMap<string, StoredRecord[]>,
  received: ReadonlyMap<string, Handover[]>,
): string[] {
  const twins = [...byMarker].filter(([, records]) => records.length > 1).map(([marker]) => marker);
  const otherIds = wishes.filter(
    ({ marker, id }) => id !== undefined && byMarker.get(marker)?.[0]?._id !== id,
  );
  const unmarked = [...received].filter(([marker, times]) => isUnmarked(times, byMarker.get(marker)?.[0]));
  const otherMessageIds = [...received].filter(
    ([, times]) => new Set(times.map(({ messageId }) => messageId)).size > 1,
  );
  const refusedAll = wishes.filter(
    ({ marker, recipient }) => recipient === 'refused' && received.has(marker),
  );
  const tooLate = wishes.filter(
    ({ marker, cancel }) => cancel === 'too late' && byMarker.get(marker)?.[0]?.status === 'canceled',
  );
  const found: [string, readonly (string | Wish | [string, unknown])[]][] = [
    ['two notifications of one key', twins],
    ['another id than the client was told', otherIds],
    ['duplicates that are not marked ambiguous', unmarked],
    ['duplicates with another Message-ID', otherMessageIds],
    ['canceled although the client was told that it is too late', tooLate],
    [
      'ended without being delivered',
      wishes.filter((wish) => isStranded(wish, byMarker.get(wish.marker)?.[0])),
    ],
    ['delivered although the provider refuses that recipient', refusedAll],
  ];
  return [
    ...found
      .filter(([, list]) => list.length > 0)
      .map(([what, list]) => `${what}: ${list.length} (${examples(list)})`),
    ...complaints,
  ];
}

function isUnmarked(times: readonly Handover[], record: StoredRecord | undefined): boolean {
  return times.length - 1 > (record?.ambiguous_count ?? 0);
}

function examples(list: readonly (string | Wish | [string, unknown])[]): string {
  const names = list.map((one) => (typeof one === 'string' ? one : 'marker' in one ? one.marker : one[0]));
  return names.slice(0, EXAMPLES).join(', ');
}

/** The two books: the fleet's own sum of states against the records, and what RabbitMQ still holds. */
function booksOf({ records, total, depths }: History, { parked = 0 }: Allowance): string[] {
  const dead = records.filter(({ status }) => status === 'failed_permanently').length;
  const expected: Record<string, number> = { [DEAD_LETTER_QUEUE]: dead, [PARKING_QUEUE]: parked };
  const wrong = Object.entries(depths).filter(([queue, depth]) => depth !== (expected[queue] ?? 0));
  return [
    ...(total === records.length ? [] : [`/stats counts ${total}, the store holds ${records.length}`]),
    ...wrong.map(([queue, depth]) => `${queue} holds ${depth} messages instead of ${expected[queue] ?? 0}`),
  ];
}

/** The longest gap between two deliveries, from the first 202 to the last delivery. */
function longestStall({ wishes, handovers }: History): number {
  const accepted = wishes.map(({ acceptedAt }) => acceptedAt ?? Infinity);
  const first = accepted.reduce((least, at) => Math.min(least, at), Infinity);
  const times = [first, ...handovers.map(({ at }) => at).filter((at) => at > first)].sort((a, b) => a - b);
  return times.reduce((longest, at, index) => Math.max(longest, at - (times[index - 1] ?? at)), 0);
}

function endOf(record: StoredRecord): number {
  return (record.sent_at ?? record.updated_at).getTime();
}

function groupBy<T>(items: readonly T[], key: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(key(item));
    if (group) group.push(item);
    else groups.set(key(item), [item]);
  }
  return groups;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
