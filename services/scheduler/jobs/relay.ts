import { publishPending } from '../../../shared/delivery/index.ts';
import { SWEEP_LIMIT, clearUnpublished, findUnpublished } from '../../../shared/store/index.ts';
import type { Job } from '../job.ts';

/** The outbox relay: publishes what is stored and not yet confirmed by RabbitMQ, transactional first, then by age. */
export const relay: Job = {
  name: 'relay',
  cron: '* * * * * *',
  run: async ({ broker, notifications }) => {
    let published = 0;
    for (;;) {
      const records = await findUnpublished(notifications, new Date());
      // What was canceled or has expired meanwhile needs no message.
      const pending = records.filter((record) => record.status === 'pending');
      const settled = records.filter((record) => record.status !== 'pending').map((record) => record._id);
      await clearUnpublished(notifications, settled);
      const confirmed = await publishPending(broker.publisher, notifications, pending);
      published += confirmed;
      // Where RabbitMQ confirms nothing, the next pass tries again.
      if (records.length < SWEEP_LIMIT || confirmed < pending.length) return published;
    }
  },
};
