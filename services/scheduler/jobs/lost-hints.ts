import { workQueue } from '../../../shared/broker/index.ts';
import {
  CHANNEL_NAMES,
  LANES,
  type Channel,
  type Lane,
  type Notification,
} from '../../../shared/contracts/index.ts';
import { publishConfirmed } from '../../../shared/delivery/index.ts';
import { SECOND } from '../../../shared/runtime/duration.ts';
import { findLostHints, findOvertaken } from '../../../shared/store/index.ts';
import type { Job, JobContext } from '../job.ts';
import { takeTurns, type Source, type Step } from '../turns.ts';

/** A pass ends after so long, in milliseconds; the next one goes on. */
const PASS_MS = 20 * SECOND;

/** Publishes again for records that are pending although no message of theirs can be in the queue: somebody purged or deleted it, or parked one. */
export const lostHints: Job = {
  name: 'lost hints',
  cron: '*/10 * * * * *',
  run: (context) => takeTurns(sourcesOf(context), PASS_MS),
};

function sourcesOf(context: JobContext): Source[] {
  return LANES.flatMap((lane) =>
    CHANNEL_NAMES.map((type) => {
      const batches = findLost(context, type, lane);
      return { lane, step: () => publishNext(context, batches) };
    }),
  );
}

async function* findLost(
  { broker, notifications }: JobContext,
  channel: Channel,
  lane: Lane,
): AsyncGenerator<Notification[]> {
  const depth = await broker.depth(workQueue(channel, lane));
  if (depth === undefined) return;
  // What merely waits in a long queue needs no second message; what others have overtaken does not wait there.
  yield* depth === 0
    ? findLostHints(notifications, channel, lane)
    : findOvertaken(notifications, channel, lane);
}

async function publishNext(
  { broker }: JobContext,
  batches: AsyncGenerator<readonly Notification[]>,
): Promise<Step> {
  const batch = await batches.next();
  if (batch.done) return { done: 0, next: 'empty' };
  const { length } = await publishConfirmed(broker.publisher, batch.value);
  return { done: length, next: length < batch.value.length ? 'stuck' : 'more' };
}
