import type { z } from 'zod';
import type { Context } from '../context.ts';
import type { Output } from '../terminal/output.ts';

/** The longest page that the API gives. */
const PAGE = 200;
/** How many are shown unless somebody wants more. */
export const DEFAULT_LIMIT = 50;

/** What the API answers with a page. */
type PageAnswer = z.ZodType<{ next_cursor: string | null }>;

/** Which pages, and how many things of them. */
export interface Listing<A extends PageAnswer, T> {
  path: string;
  filters: Record<string, string | undefined>;
  /** Infinity: all. */
  limit: number;
  answer: A;
  /** The things of a page. */
  itemsOf: (answer: z.output<A>) => readonly T[];
  /** Prints a page of them as a table. */
  print: (output: Output, page: readonly T[]) => void;
}

/** Prints things page by page, as long as somebody reads: as a table, or one JSON a line. @throws CliError */
export async function printPages<A extends PageAnswer, T>(
  context: Context,
  { path, filters, limit, answer, itemsOf, print }: Listing<A, T>,
): Promise<void> {
  const { output, isJson } = context;
  const api = context.api();
  let cursor: string | undefined;
  let left = limit;
  do {
    const query = { ...filters, cursor, limit: Math.min(left, PAGE) };
    const given = await api.call(answer, { method: 'GET', path, query });
    const page = itemsOf(given);
    if (isJson) for (const one of page) output.json(one);
    else if (page.length > 0) print(output, page);
    else if (cursor === undefined) output.say('There are none.');
    await output.drained();
    left -= page.length;
    cursor = given.next_cursor ?? undefined;
  } while (cursor !== undefined && left > 0 && output.isOpen);
  if (cursor !== undefined && output.isOpen) output.say('There are more: say a larger --limit, or --all.');
}
