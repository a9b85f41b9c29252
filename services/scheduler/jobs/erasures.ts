import { carryOutErasure } from '../../../shared/store/index.ts';
import { SECOND } from '../../../shared/runtime/duration.ts';
import type { Job } from '../job.ts';

/** How long one pass may take for one person, in milliseconds. */
const PERSON_MS = 5 * SECOND;
/** A pass begins with no further person after so long, in milliseconds; the next one goes on behind the last. */
const PASS_MS = 20 * SECOND;

/** Goes on with erasures that were not finished at once: there was much, something was just being sent, or the
 * producer died. One that fails holds up none behind it. */
export const erasuresJob: Job = {
  name: 'erasures',
  cron: '*/10 * * * * *',
  run: async ({ notifications, acts, erasures, suppressions, config: { RETENTION_DAYS: retentionDays } }) => {
    const stores = { notifications, acts, erasures, suppressions, retentionDays };
    const endBy = performance.now() + PASS_MS;
    const troubles: unknown[] = [];
    let finished = 0;
    for await (const order of erasures.inTurn()) {
      try {
        const done = await carryOutErasure(stores, order, PERSON_MS);
        if (done.finished_at) finished += 1;
      } catch (thrown) {
        troubles.push(thrown);
      }
      if (performance.now() > endBy) break;
    }
    if (troubles.length > 0) throw troubles[0];
    return finished;
  },
};
