import { withDeadline } from './deadline.ts';
import { SECOND } from './duration.ts';
import { toError } from './errors.ts';
import type { Logger } from './logger.ts';

/** Parts that stop at once, by their names; each is told to in the order in which they are written. */
export type ShutdownStage = Readonly<Record<string, () => unknown>>;

/** What is kept for each stage behind the one that runs, in milliseconds: a part that hangs must not take their time. */
const KEPT_FOR_A_STAGE_MS = SECOND / 5;

/**
 * Shuts a process down, stage after stage, and always comes to its end: a part that throws, rejects, or takes longer than the time that is
 * left is logged and left behind, and every other part is stopped all the same. `withinMs` bounds the whole.
 */
export async function shutDown(
  { log, withinMs }: { log: Logger; withinMs: number },
  stages: readonly ShutdownStage[],
): Promise<void> {
  const deadline = Date.now() + withinMs;
  for (const [index, stage] of stages.entries()) {
    const behind = stages.length - index - 1;
    const leftMs = deadline - Date.now() - behind * KEPT_FOR_A_STAGE_MS;
    const stopMs = Math.max(leftMs, KEPT_FOR_A_STAGE_MS);
    await Promise.all(Object.entries(stage).map(([part, stop]) => stopPart(part, stop, { log, stopMs })));
  }
}

async function stopPart(
  part: string,
  stop: () => unknown,
  { log, stopMs }: { log: Logger; stopMs: number },
): Promise<void> {
  const late = (): Error => new Error(`did not stop within ${Math.round(stopMs)} ms`);
  try {
    await withDeadline(Promise.resolve(stop()), stopMs, late);
  } catch (thrown) {
    log.error('a part did not stop as it should; the shutdown goes on', { part, error: toError(thrown) });
  }
}

/** How long the shutdown of a service may take, in milliseconds: a little less than its whole drain, after which the process is ended. */
export function shutdownMs(drainSeconds: number): number {
  return drainSeconds * SECOND - SECOND / 2;
}
