import { MINUTE, SECOND } from '../../../shared/runtime/duration.ts';

/** A process that ran so long is healthy again: the next crash counts as the first. Milliseconds. */
export const HEALTHY_AFTER_MS = MINUTE;

/**
 * How long to wait before a crashed process is started again, in milliseconds: the first time within a second.
 *
 * | crash in a row | 1   | 2     | 3     | 4     | 5     | 6      | 7 and on |
 * | wait           | 500 | 1 000 | 2 000 | 4 000 | 8 000 | 16 000 | 30 000   |
 */
export function restartDelay(crashesInARow: number): number {
  return Math.min(30 * SECOND, 500 * 2 ** (Math.min(crashesInARow, 10) - 1));
}
