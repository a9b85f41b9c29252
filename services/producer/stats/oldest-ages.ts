import { DEAD_LETTER_QUEUE, workQueue } from '../../../shared/broker/index.ts';
import { CHANNEL_NAMES, LANES } from '../../../shared/contracts/index.ts';
import { SECOND } from '../../../shared/runtime/duration.ts';
import { findOldest, type Notifications } from '../../../shared/store/index.ts';

/**
 * How long the oldest record of each work queue, and of the dead letters, has been waiting, in seconds by the queue's name. From the store:
 * a quorum queue does not tell the age of its messages. A queue for which none waits is not there.
 */
export async function oldestAges(notifications: Notifications): Promise<ReadonlyMap<string, number>> {
  const now = Date.now();
  const asked = [
    ...CHANNEL_NAMES.flatMap((type) =>
      LANES.map((lane) => [workQueue(type, lane), { status: 'pending' as const, type, lane }] as const),
    ),
    [DEAD_LETTER_QUEUE, { status: 'failed_permanently' as const }] as const,
  ];
  const ages = await Promise.all(
    asked.map(async ([queue, which]) => {
      const since = await findOldest(notifications, which);
      return since && ([queue, Math.max(0, (now - since.getTime()) / SECOND)] as const);
    }),
  );
  return new Map(ages.filter((age) => age !== undefined));
}
