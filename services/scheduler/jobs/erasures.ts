import { carryOutErasure } from '../../../shared/store/index.ts';
import { SECOND } from '../../../shared/runtime/duration.ts';
import type { Job } from '../job.ts';

/** How long one pass may take for one person, in milliseconds. */
const PASS_MS = 5 * SECOND;

/** Goes on with erasures that were not finished at once: there was much, something was just being sent, or the
 * producer died. */
export const erasuresJob: Job = {
  name: 'erasures',
  cron: '*/10 * * * * *',
  run: async ({ notifications, acts, erasures, suppressions, config: { RETENTION_DAYS: retentionDays } }) => {
    const stores = { notifications, acts, erasures, suppressions, retentionDays };
    let finished = 0;
    // Each gets its time, so that a long one does not hold up those behind it.
    for (const order of await erasures.unfinished()) {
      const done = await carryOutErasure(stores, order, PASS_MS);
      if (done.finished_at) finished += 1;
    }
    return finished;
  },
};
