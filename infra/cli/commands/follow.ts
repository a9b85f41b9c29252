import { pause } from '../../../shared/runtime/backoff.ts';
import { SECOND } from '../../../shared/runtime/duration.ts';
import { detailAnswer, type NotificationDetailShown } from '../api/answers.ts';
import type { ApiClient } from '../api/client.ts';
import type { Context } from '../context.ts';
import type { Exit } from '../exit.ts';
import { pathOf } from '../ids.ts';
import type { Output } from '../terminal/output.ts';
import { hasArrived, isEnd, printEnd, printEntry, printHeading } from './show.ts';

/** How often it is looked at: at first often, as most are sent within a second, then less and less; milliseconds. */
const LOOKS = { first: 0.2 * SECOND, most: 3 * SECOND, growth: 1.3 };

/** Reads one notification with its timeline. @throws CliError */
export function lookAt(api: ApiClient, id: string): Promise<NotificationDetailShown> {
  return api.call(detailAnswer, { method: 'GET', path: pathOf(id) });
}

/**
 * Prints what happens to one until nothing more will happen by itself: lines of its timeline as they come, and last where it stands; or with
 * --json the record each time that it has changed, the last one as it ended. `timeout` in seconds. @throws CliError
 */
export async function follow(
  { output, isJson }: Context,
  api: ApiClient,
  { id, timeout = Infinity }: { id: string; timeout?: number },
): Promise<Exit> {
  const deadline = performance.now() + timeout * SECOND;
  let shown = 0;
  for (let waitMs = LOOKS.first; ; waitMs = Math.min(LOOKS.most, waitMs * LOOKS.growth)) {
    const one = await lookAt(api, id);
    const entries = one.timeline.length + (one.timeline_omitted ?? 0);
    if (entries > shown) {
      if (isJson) output.json(one);
      else printNews(output, one, entries - shown);
      shown = entries;
    }
    if (isEnd(one.status)) {
      if (!isJson) printEnd(output, one);
      return hasArrived(one.status) ? 'done' : 'refused';
    }
    if (!output.isOpen) return 'done';
    if (performance.now() + waitMs > deadline) {
      output.say(`${id} is ${one.status} after ${timeout} s.`);
      return 'unfinished';
    }
    await pause(waitMs);
  }
}

/** Prints the newest entries; the heading before the first of all. */
function printNews(output: Output, one: NotificationDetailShown, newEntries: number): void {
  const isFirst = newEntries === one.timeline.length + (one.timeline_omitted ?? 0);
  if (isFirst) printHeading(output, one);
  for (const entry of one.timeline.slice(-newEntries)) printEntry(output, entry);
}
