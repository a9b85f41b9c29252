import type { Job } from '../job.ts';

/** Removes updates of tasks that are no longer kept for listeners. */
export const taskUpdates: Job = {
  name: 'task updates',
  cron: '*/20 * * * * *',
  run: ({ taskUpdates: updates }) => updates.removeOver(),
};
