import { SECOND } from '../../../shared/runtime/duration.ts';
import { toError } from '../../../shared/runtime/errors.ts';
import type { Job } from '../job.ts';

const LOCK = 'bookkeeper';
/** One at a time, for the work would only be done twice. Milliseconds. */
const LEASE_MS = 30 * SECOND;

/** Keeps the counts by channel and status that `/stats` shows, once a second. */
export const bookkeeper: Job = {
  name: 'bookkeeper',
  cron: '* * * * * *',
  run: async ({ books, locks, instance, log }) => {
    if (!(await locks.take(LOCK, instance, LEASE_MS))) return 0;
    await books.keep();
    // They are good without it, too.
    await books.audit().catch((thrown: unknown) => {
      log.warn('the records could not be counted anew', { error: toError(thrown) });
    });
    // Nothing that anybody would want to read in a log.
    return 0;
  },
};
