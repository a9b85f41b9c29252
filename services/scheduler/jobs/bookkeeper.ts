import { SECOND } from '../../../shared/runtime/duration.ts';
import { toError } from '../../../shared/runtime/errors.ts';
import type { Job } from '../job.ts';

const LOCK = 'bookkeeper';
/** One at a time, for the work would only be done twice. The lease is renewed while a pass goes on. Milliseconds. */
const LEASE_MS = 30 * SECOND;

/** Keeps the counts by channel and status that `/stats` shows, once a second. */
export const bookkeeper: Job = {
  name: 'bookkeeper',
  cron: '* * * * * *',
  run: async ({ books, locks, log }) => {
    await locks.hold(LOCK, { leaseMs: LEASE_MS }, async () => {
      await books.keep();
      // They are good without it, too.
      await books.audit().catch((thrown: unknown) => {
        log.warn('the records could not be counted anew', { error: toError(thrown) });
      });
    });
    // Nothing that anybody would want to read in a log.
    return 0;
  },
};
