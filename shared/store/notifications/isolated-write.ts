import type { Filter, MongoServerError } from 'mongodb';
import type { Notification, QuarantineView } from '../../contracts/index.ts';
import { describeRefusal, isRefusal } from '../refusal.ts';
import { BY_ID, type Notifications } from './collection.ts';
import type { Result } from './record.ts';

/** One record of a write: its id, or a result of it. */
type Item = string | Result;

/** Writes some of the items; of these, some may be written already. */
type Write<T, R> = (items: readonly T[]) => Promise<Iterable<R>>;

/**
 * Writes many records, quarantines the ones that MongoDB refuses, and answers what the others answered.
 * @throws when the store is away, QuarantineFull
 */
export function writeIsolated<T extends Item, R>(
  notifications: Notifications,
  operation: QuarantineView['operation'],
  items: readonly T[],
  write: Write<T, R>,
): Promise<R[]> {
  return isolating(items, write, (item, refusal) =>
    notifications.quarantine.add(idOf(item), {
      operation,
      ...describeRefusal(refusal),
      ...(typeof item !== 'string' && { result: item }),
    }),
  );
}

/** Halves the items until each one that MongoDB refuses is alone, so that all others are written. @throws when the store is away */
export async function isolating<T, R>(
  items: readonly T[],
  write: Write<T, R>,
  onRefused: (item: T, refusal: MongoServerError) => Promise<void>,
): Promise<R[]> {
  const [first] = items;
  if (first === undefined) return [];
  try {
    return [...(await write(items))];
  } catch (thrown) {
    if (!isRefusal(thrown)) throw thrown;
    if (items.length === 1) {
      await onRefused(first, thrown);
      return [];
    }
    const middle = Math.ceil(items.length / 2);
    const before = await isolating(items.slice(0, middle), write, onRefused);
    return [...before, ...(await isolating(items.slice(middle), write, onRefused))];
  }
}

/**
 * The ids that a write changed: all of them where it says so, else those that `changed` finds, because a write that MongoDB refuses in part
 * has changed some before it is repeated.
 */
export async function idsChanged(
  notifications: Notifications,
  ids: readonly string[],
  changedCount: number,
  changed: Filter<Notification>,
): Promise<readonly string[]> {
  if (changedCount === ids.length) return ids;
  const found = notifications.find(
    { _id: { $in: [...ids] }, ...changed },
    { projection: { _id: 1 }, ...BY_ID },
  );
  return found.map(({ _id }) => _id).toArray();
}

/** The items whose records are not quarantined. */
export async function withoutQuarantined<T extends Item>(
  notifications: Notifications,
  items: readonly T[],
): Promise<T[]> {
  const quarantined = await notifications.quarantine.among(items.map(idOf));
  return items.filter((item) => !quarantined.has(idOf(item)));
}

function idOf(item: Item): string {
  return typeof item === 'string' ? item : item.id;
}
