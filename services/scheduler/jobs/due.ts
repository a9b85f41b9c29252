import { publishPending } from '../../../shared/delivery/index.ts';
import { SECOND } from '../../../shared/runtime/duration.ts';
import { SWEEP_LIMIT, wakeDue } from '../../../shared/store/index.ts';
import type { Job } from '../job.ts';

/** A pass ends after so long, in milliseconds; the next one goes on. */
const PASS_MS = 20 * SECOND;

/** Wakes what is due: scheduled sends, holds that are over, and retries whose message was lost. */
export const due: Job = {
  name: 'due',
  cron: '* * * * * *',
  run: async ({ broker, notifications }) => {
    const endBy = performance.now() + PASS_MS;
    let woken = 0;
    for (;;) {
      const records = await wakeDue(notifications);
      await publishPending(broker.publisher, notifications, records, { late: true });
      woken += records.length;
      if (records.length < SWEEP_LIMIT || performance.now() > endBy) return woken;
    }
  },
};
