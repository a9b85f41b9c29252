import type { TaskUpdate } from '../../../shared/contracts/index.ts';
import { withDeadline } from '../../../shared/runtime/deadline.ts';
import { SECOND } from '../../../shared/runtime/duration.ts';
import { PAGE, type TaskFeed } from './task-feed.ts';

/** A listener that has not taken what was written for so long is cut off, in milliseconds: it may come back, and goes on where it stood. */
const TAKE_WITHIN_MS = 20 * SECOND;

/** Where updates come from. */
type Updates = Pick<TaskFeed, 'turn' | 'newest' | 'after'>;

/** A listener's end of a stream. */
export interface Listener {
  /** Tells where it stands. */
  standAt(id: number): void;
  /** Tells that what was behind `after` and before `first` is no longer there. */
  missed(after: number, first: number): void;
  write(updates: readonly TaskUpdate[]): void;
  /** Ends when it has taken all that was written. */
  taken(): Promise<void>;
}

/** A listener does not read what it is sent. */
export class TooSlow extends Error {
  override readonly name = 'TooSlow';
}

/**
 * Gives a listener every update behind where it stands, in order, until the signal aborts. At most a page is written and not taken, so a
 * slow one costs no memory. Without a place to stand it begins with what comes from now on. `caller`: it hears only of what this one has updated.
 * @throws TooSlow
 */
export async function relay(
  feed: Updates,
  listener: Listener,
  { from, signal, caller }: { from: number | undefined; signal: AbortSignal; caller?: string | undefined },
): Promise<void> {
  let at = await placeOf(feed, from, signal);
  if (!signal.aborted) listener.standAt(at);
  while (!signal.aborted) {
    const { turn } = feed;
    const page = (await feed.after(at)) ?? [];
    await hand(listener, page, { at, signal, caller });
    at = page.at(-1)?._id ?? at;
    if (page.length < PAGE) await orAborted(turn, signal);
  }
}

/** Where a listener begins. One that is ahead of the newest update knows those of another store, and begins with all that is kept in this one. */
async function placeOf(feed: Updates, from: number | undefined, signal: AbortSignal): Promise<number> {
  while (!signal.aborted) {
    const { turn } = feed;
    const newest = await feed.newest();
    if (newest !== undefined) return from === undefined ? newest : from > newest ? 0 : from;
    await orAborted(turn, signal);
  }
  return 0;
}

async function hand(
  listener: Listener,
  page: readonly TaskUpdate[],
  { at, signal, caller }: { at: number; signal: AbortSignal; caller: string | undefined },
): Promise<void> {
  const [first, last] = [page[0], page.at(-1)];
  if (!first || !last || signal.aborted) return;
  // Numbers have no gaps, so what is not there was removed.
  if (first._id > at + 1) listener.missed(at, first._id);
  const heard = page.filter((update) => caller === undefined || update.caller === caller);
  if (heard.length > 0) listener.write(heard);
  else listener.standAt(last._id);
  await withDeadline(orAborted(listener.taken(), signal), TAKE_WITHIN_MS, () => new TooSlow());
}

/** Ends with what is waited for, or when the signal aborts. */
async function orAborted(work: Promise<void>, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  let leave = (): void => undefined;
  const aborted = new Promise<void>((resolve) => {
    leave = resolve;
    signal.addEventListener('abort', leave, { once: true });
  });
  await Promise.race([work, aborted]);
  signal.removeEventListener('abort', leave);
}
