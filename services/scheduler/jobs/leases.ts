import { publishEach } from '../../../shared/delivery/index.ts';
import { SECOND } from '../../../shared/runtime/duration.ts';
import { findLostLeases } from '../../../shared/store/index.ts';
import type { Job } from '../job.ts';

/** Consumers that know a result and could not record it go first. Milliseconds. */
const SETTLE_MS = 5 * SECOND;

/** Brings back what a consumer left behind: the claim over its expired lease marks the attempt before as ambiguous. */
export const leases: Job = {
  name: 'leases',
  cron: '*/2 * * * * *',
  settleMs: SETTLE_MS,
  run: async ({ broker, notifications }) => {
    if (!broker.publisher.available) return 0;
    return publishEach(broker.publisher, findLostLeases(notifications));
  },
};
