import { deleteDiscarded, deleteRetained } from '../../../shared/store/index.ts';
import type { Job } from '../job.ts';

/** Deletes finished notifications whose retention is over. */
export const retention: Job = {
  name: 'retention',
  cron: '*/10 * * * * *',
  run: async ({ notifications, config }) =>
    (await deleteRetained(notifications)) + (await deleteDiscarded(notifications, config.RETENTION_DAYS)),
};
