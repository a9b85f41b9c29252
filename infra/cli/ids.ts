import { text } from 'node:stream/consumers';
import { usageError } from './exit.ts';

/** The ids that were named; `-` reads them from standard input, one a line. @throws CliError when there are none */
export async function idsOf(words: readonly string[]): Promise<string[]> {
  const fromStdin = words.includes('-') ? (await text(process.stdin)).split(/\s+/) : [];
  const ids = [...words.filter((word) => word !== '-'), ...fromStdin].filter((id) => id !== '');
  if (ids.length === 0) throw usageError('Standard input names no id.');
  return [...new Set(ids)];
}

/** An id in an address: whatever was typed stays one part of the path. */
export function pathOf(id: string, act = ''): string {
  return `/v1/notifications/${encodeURIComponent(id)}${act}`;
}

/** An address of one person in the API. */
export function pathOfUser(userId: string, part = ''): string {
  return `/v1/users/${encodeURIComponent(userId)}${part}`;
}
