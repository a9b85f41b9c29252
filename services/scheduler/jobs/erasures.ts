import { carryOutErasure } from '../../../shared/store/index.ts';
import type { Job } from '../job.ts';

/** Goes on with erasures that were not finished at once: something of the person was just being sent, or the producer died. */
export const erasures: Job = {
  name: 'erasures',
  cron: '*/10 * * * * *',
  run: async ({ notifications, acts, erasures: orders, config }) => {
    let finished = 0;
    for (const order of await orders.unfinished()) {
      const stores = { notifications, acts, erasures: orders, retentionDays: config.RETENTION_DAYS };
      if ((await carryOutErasure(stores, order)).finished_at) finished += 1;
    }
    return finished;
  },
};
