import { workQueue } from '../../../shared/broker/index.ts';
import { CHANNEL_NAMES, LANES, type Channel, type Lane } from '../../../shared/contracts/index.ts';
import { publishEach } from '../../../shared/delivery/index.ts';
import { findLostHints, findOvertaken } from '../../../shared/store/index.ts';
import type { Job, JobContext } from '../job.ts';

/** Publishes again for records that are pending although no message of theirs can be in the queue: somebody purged or deleted it, or parked one. */
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
  const depth = await broker.depth(workQueue(channel, lane));
  if (depth === undefined) return 0;
  // What merely waits in a long queue needs no second message; what others have overtaken does not wait there.
  const lost =
    depth === 0 ? findLostHints(notifications, channel, lane) : findOvertaken(notifications, channel, lane);
  return publishEach(broker.publisher, lost);
}
