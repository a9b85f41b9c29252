import { FIELD_NAMES } from '../request.ts';
import type { Piece } from './decode.ts';

/** What stands between two cells, in the order in which a doubt is decided. */
export const DELIMITERS = [',', ';', '\t', '|'] as const;
/** Excel reads the separator from a first line like this one, and does not show it. */
const SEPARATOR_LINE = /^"?sep=(.)"?[\s,;|]*$/i;
/** Characters in which the first line must end. */
const MAX_FIRST_LINE = 1_000_000;

/** How a file is written. */
export interface Dialect {
  delimiter: string;
  /** It begins with a byte order mark, as Excel wants it. */
  hasMark: boolean;
  /** The text, without a line `sep=;`; where that stood is an empty line, so that lines keep their numbers. */
  text: AsyncGenerator<string>;
}

/** Reads from the first lines how a file is written. `named`: the separator that somebody named, which decides. */
export async function dialectOf(pieces: AsyncGenerator<Piece>, named?: string): Promise<Dialect> {
  let beginning = '';
  let hasMark = false;
  for (;;) {
    const next = await pieces.next();
    if (next.done) break;
    beginning += next.value.text;
    hasMark = next.value.hasMark;
    if (hasHeader(beginning) || beginning.length > MAX_FIRST_LINE) break;
  }
  const { separator, text } = withoutSeparatorLine(beginning);
  const header = /\S.*/.exec(text)?.[0] ?? '';
  const delimiter = named ?? separator ?? delimiterOf(header);
  return { delimiter, hasMark, text: joined(text, pieces) };
}

/** The separator by which most of a line's cells are fields of a row; where that does not decide, the one that makes most cells. */
export function delimiterOf(line: string): string {
  const [best] = DELIMITERS.map((delimiter) => {
    const cells = line.split(delimiter).map((cell) => cell.replaceAll('"', '').trim().toLowerCase());
    return {
      delimiter,
      cells: cells.length,
      known: cells.filter((cell) => FIELD_NAMES.includes(cell)).length,
    };
  }).sort((a, b) => b.known - a.known || b.cells - a.cells);
  return best?.delimiter ?? DELIMITERS[0];
}

/** Whether two lines that are not empty are there as a whole: the first one may be `sep=;`. */
function hasHeader(text: string): boolean {
  const begun = text.trimStart();
  return begun
    .slice(begun.indexOf('\n') + 1)
    .trimStart()
    .includes('\n');
}

function withoutSeparatorLine(text: string): { separator?: string; text: string } {
  const end = text.indexOf('\n');
  const separator = SEPARATOR_LINE.exec(end < 0 ? text : text.slice(0, end))?.[1];
  return separator === undefined ? { text } : { separator, text: end < 0 ? '' : text.slice(end) };
}

async function* joined(beginning: string, rest: AsyncGenerator<Piece>): AsyncGenerator<string> {
  yield beginning;
  for await (const { text } of rest) yield text;
}
