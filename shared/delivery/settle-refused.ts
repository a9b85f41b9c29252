import type { Status } from '../contracts/index.ts';
import { untilDone } from '../runtime/backoff.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Notifications } from '../store/index.ts';
import type { Intake, Taken } from './intake.ts';

/** What is needed to say why a claim refused something. */
export interface RefusedContext {
  notifications: Notifications;
  intake: Intake;
  log: Logger;
  /** Ends the patience with MongoDB. */
  signal: AbortSignal;
}

/**
 * What the claim refused is canceled or finished, not yet due, or under a live lease: the message is done with, for the record's own due
 * time or the lease sweep brings it back. Only a message without a record needs a person.
 */
export async function settleRefused(refused: Taken, context: RefusedContext): Promise<void> {
  const status = await statusOf([...refused.keys()], context);
  if (!status) return;
  for (const [id, { deliveries }] of refused) {
    const found = status.get(id);
    context.log.debug('nothing to do for a message', { id, status: found ?? 'no such record' });
    for (const delivery of deliveries)
      if (found) delivery.ack();
      else void context.intake.park(delivery, `there is no notification ${id}`);
  }
}

/** As patient as the claim: a message that nobody acknowledges takes up room for good. Undefined when the signal aborts. */
function statusOf(
  ids: string[],
  { notifications, signal }: RefusedContext,
): Promise<Map<string, Status> | undefined> {
  const projection = { status: 1 } as const;
  const read = async (): Promise<Map<string, Status>> => {
    const found = await notifications.find({ _id: { $in: ids } }, { projection }).toArray();
    return new Map(found.map((record) => [record._id, record.status]));
  };
  return untilDone(read, { signal });
}
