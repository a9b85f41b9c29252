import { listAnswer, type NotificationShown } from '../api/answers.ts';
import type { Context } from '../context.ts';
import { printList } from './show.ts';

/** The longest page that the API gives. */
const PAGE = 200;
/** How many are shown unless somebody wants more. */
export const DEFAULT_LIMIT = 50;

/** Which pages, and how many notifications of them. */
export interface Listing {
  path: string;
  filters: Record<string, string | undefined>;
  /** Infinity: all. */
  limit: number;
}

/** Prints notifications page by page, as long as somebody reads: as a table, or one JSON a line. @throws CliError */
export async function printPages(context: Context, { path, filters, limit }: Listing): Promise<void> {
  const { output } = context;
  const api = context.api();
  let cursor: string | undefined;
  let left = limit;
  do {
    const query = { ...filters, cursor, limit: Math.min(left, PAGE) };
    const { notifications, next_cursor } = await api.call(listAnswer, { method: 'GET', path, query });
    printPage(context, notifications, cursor === undefined);
    await output.drained();
    left -= notifications.length;
    cursor = next_cursor ?? undefined;
  } while (cursor !== undefined && left > 0 && output.isOpen);
  if (cursor !== undefined && output.isOpen) output.say('There are more: say --limit, or --all.');
}

function printPage({ output, isJson }: Context, page: readonly NotificationShown[], isFirst: boolean): void {
  if (isJson) for (const one of page) output.json(one);
  else if (page.length > 0) printList(output, page);
  else if (isFirst) output.say('There are none.');
}
