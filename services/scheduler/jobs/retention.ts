import { SWEEP_LIMIT, deleteRetained } from '../../../shared/store/index.ts';
import type { Job } from '../job.ts';

/** Deletes finished notifications whose retention is over. */
export const retention: Job = {
  name: 'retention',
  cron: '*/10 * * * * *',
  run: async ({ notifications }) => {
    let deleted = 0;
    for (;;) {
      const count = await deleteRetained(notifications);
      deleted += count;
      if (count < SWEEP_LIMIT) return deleted;
    }
  },
};
