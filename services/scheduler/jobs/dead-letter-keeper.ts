import { DEAD_LETTER_QUEUE } from '../../../shared/broker/index.ts';
import { MINUTE, SECOND } from '../../../shared/runtime/duration.ts';
import { sumOver, type HeldLock } from '../../../shared/store/index.ts';
import { DriftWatch, type Look } from '../dead-letters/drift.ts';
import { WINDOW, passOver, type PassReport } from '../dead-letters/pass.ts';
import type { Job, JobContext } from '../job.ts';

const LOCK = 'dead-letter-keeper';
/** One scheduler at a time keeps the queue; the lease is renewed while a pass goes on. Milliseconds. */
const LEASE_MS = 20 * SECOND;
/** Status counts that are older than this, in milliseconds, say nothing about the queue of now. */
const COUNTS_STALE_MS = 10 * SECOND;

/** Passes take a twentieth of the time at most: a pass reads the whole queue, also where there is one message to take out. */
const REST_PER_PASS = 20;
const REST_AT_LEAST_MS = 2 * SECOND;
const REST_AT_MOST_MS = 5 * MINUTE;

/**
 * Keeps one message in the dead-letter queue for each dead record, so that the management UI shows the true number. As long as the
 * numbers agree, or differ only by what has just died or was just retried, the queue is left alone.
 */
export const deadLetterKeeper: Job = {
  name: 'dead-letter keeper',
  cron: '*/2 * * * * *',
  run: async (context) => {
    const drift = await driftOf(context);
    if (!drift) return 0;
    const work = (lock: HeldLock): Promise<PassReport> => passOver({ ...context, lock, known: drift });
    const report = await context.locks.hold(LOCK, { leaseMs: LEASE_MS, restMs: restAfter }, work);
    if (!report) return 0;
    context.log.info('dead-letter queue compared with the dead records', { ...report });
    return report.dropped + report.added + report.parked;
  },
};

/** One for each scheduler, also where there are several in a process. */
const watches = new WeakMap<JobContext, DriftWatch>();

/** The numbers where they differ; undefined also where the broker or the counts cannot be asked. */
async function driftOf(context: JobContext): Promise<Look | undefined> {
  const watch = watches.get(context) ?? new DriftWatch();
  watches.set(context, watch);
  const [messages, balance] = await Promise.all([
    context.broker.depth(DEAD_LETTER_QUEUE),
    context.books.read(),
  ]);
  const isFresh = balance !== undefined && Date.now() - balance.asOf.getTime() < COUNTS_STALE_MS;
  if (messages === undefined || !isFresh) return undefined;
  const drift = watch.judge({ dead: sumOver(balance.counts).failed_permanently ?? 0, messages });
  // What is missing can only be told by who sees all messages at once.
  return drift && drift.dead > messages && messages > WINDOW ? undefined : drift;
}

function restAfter(tookMs: number): number {
  return Math.min(REST_AT_MOST_MS, Math.max(REST_AT_LEAST_MS, REST_PER_PASS * tookMs));
}
