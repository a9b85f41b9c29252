import { expireOverdue } from '../../../shared/store/index.ts';
import type { Job } from '../job.ts';

/** Ends what was not sent before its `expires_at`. */
export const expiry: Job = {
  name: 'expiry',
  cron: '*/2 * * * * *',
  run: ({ notifications, config }) => expireOverdue(notifications, config.RETENTION_DAYS),
};
