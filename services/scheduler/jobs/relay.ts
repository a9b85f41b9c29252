import { CHANNEL_NAMES, LANES, type Channel, type Lane } from '../../../shared/contracts/index.ts';
import { publishPending } from '../../../shared/delivery/index.ts';
import { SECOND } from '../../../shared/runtime/duration.ts';
import {
  SWEEP_LIMIT,
  clearUnpublished,
  findUnpublished,
  type HeldLock,
} from '../../../shared/store/index.ts';
import type { Job, JobContext } from '../job.ts';
import { takeTurns, type Source, type Step } from '../turns.ts';

const LOCK = 'relay';
/** One relay at a time, or each would publish the same batch. The lease is renewed while a pass goes on. Milliseconds. */
const LEASE_MS = 10 * SECOND;
/** A pass ends after so long, in milliseconds; the next one goes on. */
const PASS_MS = 20 * SECOND;

/** The outbox relay: publishes what is stored and not yet confirmed by RabbitMQ. The channels take turns, transactional lanes first; each by age. */
export const relay: Job = {
  name: 'relay',
  cron: '* * * * * *',
  run: async (context) => {
    if (!context.broker.publisher.available) return 0;
    const published = await context.locks.hold(LOCK, { leaseMs: LEASE_MS }, (lock) =>
      takeTurns(sourcesOf(context, lock), PASS_MS),
    );
    return published ?? 0;
  },
};

function sourcesOf(context: JobContext, lock: HeldLock): Source[] {
  return LANES.flatMap((lane) =>
    CHANNEL_NAMES.map((type) => ({ lane, step: () => relayBatch(context, lock, { type, lane }) })),
  );
}

async function relayBatch(
  { broker, notifications }: JobContext,
  lock: HeldLock,
  queue: { type: Channel; lane: Lane },
): Promise<Step> {
  const records = await findUnpublished(notifications, { ...queue, now: new Date() });
  // What was canceled or has expired meanwhile needs no message.
  const due = records.filter((record) => record.status === 'pending');
  await clearUnpublished(
    notifications,
    records.filter((record) => record.status !== 'pending'),
  );
  lock.check();
  const done = await publishPending(broker.publisher, notifications, due, { late: true });
  // Where RabbitMQ does not confirm, the next pass tries again.
  if (done < due.length) return { done, next: 'stuck' };
  return { done, next: records.length === SWEEP_LIMIT ? 'more' : 'empty' };
}
