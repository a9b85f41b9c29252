import { publishDue } from '../../../shared/broker/index.ts';
import { findLostLeases } from '../../../shared/store/index.ts';
import type { Job } from '../job.ts';

/** Brings back what a consumer left behind: the claim over its expired lease marks the attempt before as ambiguous. */
export const leases: Job = {
  name: 'leases',
  cron: '*/2 * * * * *',
  run: async ({ broker, notifications }) => {
    if (!broker.publisher.available) return 0;
    const lost = await findLostLeases(notifications);
    await Promise.all(lost.map((record) => publishDue(broker.publisher, record)));
    return lost.length;
  },
};
