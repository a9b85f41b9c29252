import { CHANNEL_NAMES, LANES, type Channel, type Lane } from '../../../shared/contracts/index.ts';
import { publishPending } from '../../../shared/delivery/index.ts';
import { SECOND } from '../../../shared/runtime/duration.ts';
import { SWEEP_LIMIT, clearUnpublished, findUnpublished } from '../../../shared/store/index.ts';
import type { Job, JobContext } from '../job.ts';

const LOCK = 'relay';
/** One relay at a time, or each would publish the same batch; it outlives a batch. Milliseconds. */
const LEASE_MS = 10 * SECOND;

/** The outbox relay: publishes what is stored and not yet confirmed by RabbitMQ, transactional first, then by age. */
export const relay: Job = {
  name: 'relay',
  cron: '* * * * * *',
  run: async (context) => {
    let published = 0;
    for (const lane of LANES)
      for (const type of CHANNEL_NAMES) published += await relayQueue(context, type, lane);
    return published;
  },
};

async function relayQueue(context: JobContext, type: Channel, lane: Lane): Promise<number> {
  let published = 0;
  for (;;) {
    if (!context.broker.publisher.available) return published;
    if (!(await context.locks.take(LOCK, context.instance, LEASE_MS))) return published;
    const batch = await relayBatch(context, type, lane);
    published += batch.confirmed;
    // Where RabbitMQ confirms nothing, the next pass tries again.
    if (!batch.isFull || batch.confirmed < batch.due) return published;
  }
}

async function relayBatch(
  { broker, notifications }: JobContext,
  type: Channel,
  lane: Lane,
): Promise<{ due: number; confirmed: number; isFull: boolean }> {
  const records = await findUnpublished(notifications, { type, lane, now: new Date() });
  // What was canceled or has expired meanwhile needs no message.
  const due = records.filter((record) => record.status === 'pending');
  const settled = records.filter((record) => record.status !== 'pending');
  await clearUnpublished(notifications, settled);
  const confirmed = await publishPending(broker.publisher, notifications, due, { late: true });
  return { due: due.length, confirmed, isFull: records.length === SWEEP_LIMIT };
}
