import { hearEarlyFeedback } from '../../../shared/store/index.ts';
import type { Job } from '../job.ts';

/** Hears feedback that came before our own record of the hand-over, as soon as that is there. */
export const feedback: Job = {
  name: 'feedback',
  cron: '* * * * * *',
  run: ({ notifications, suppressions, earlyFeedback, config }) =>
    hearEarlyFeedback({
      notifications,
      suppressions,
      early: earlyFeedback,
      retentionDays: config.RETENTION_DAYS,
    }),
};
