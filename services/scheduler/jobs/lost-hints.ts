import { publishDue, workQueue } from '../../../shared/broker/index.ts';
import { CHANNEL_NAMES, LANES, type Channel, type Lane } from '../../../shared/contracts/index.ts';
import { findLostHints } from '../../../shared/store/index.ts';
import type { Job, JobContext } from '../job.ts';

/** Publishes again for records that are pending while their queue is empty: somebody purged or deleted it. */
export const lostHints: Job = {
  name: 'lost hints',
  cron: '*/10 * * * * *',
  run: async (context) => {
    let published = 0;
    for (const channel of CHANNEL_NAMES)
      for (const lane of LANES) published += await sweep(context, channel, lane);
    return published;
  },
};

async function sweep({ broker, notifications }: JobContext, channel: Channel, lane: Lane): Promise<number> {
  // A queue that holds messages holds these too, as far as anybody can tell.
  if ((await broker.depth(workQueue(channel, lane))) !== 0) return 0;
  const lost = await findLostHints(notifications, channel, lane);
  await Promise.all(lost.map((record) => publishDue(broker.publisher, record)));
  return lost.length;
}
