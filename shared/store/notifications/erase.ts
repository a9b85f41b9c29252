import type { Filter } from 'mongodb';
import {
  CANCELABLE,
  FINISHED,
  RETRYABLE,
  type Erasure,
  type Notification,
  type Status,
} from '../../contracts/index.ts';
import { BY_ID, retentionEnd, transitionStage, type Notifications } from './collection.ts';
import { writeIsolated } from './isolated-write.ts';
import { idChunks } from './walk.ts';

/** Whose records those are that were erased: nobody's, for no person's id is empty. */
export const ERASED_USER = '';
/** What may say who somebody is, or what they were told. */
const PERSONAL = [
  'subject',
  'html',
  'email',
  'from',
  'reply_to',
  'attachments',
  'phone',
  'carrier',
  'data',
  'idempotency_key',
  'fingerprint',
  'provider_message_id',
  'error',
  'unread',
  'read_at',
];

/** What an erasure concerns: what was accepted before it was ordered. */
type Order = Erasure & { user_id: string };

/**
 * Takes out of one person's records all that is about the person; what waits is canceled, a dead letter is discarded. States and times stay,
 * so that the counts do. Answers how many were erased, and how many are left: those that are just being sent, and those that were not looked at
 * before `endBy`, in milliseconds since the epoch.
 */
export async function erasePerson(
  notifications: Notifications,
  order: Order,
  { retentionDays, endBy }: { retentionDays: number; endBy: number },
): Promise<{ erased: number; left: number }> {
  const change = { actor: order.requested_by, reason: 'the person was erased' };
  const end = { delete_at: retentionEnd(retentionDays) };
  const canceled = [...STRIP, transitionStage('canceled', change, end)];
  const discarded = [...STRIP, transitionStage('discarded', change, end)];
  const isOver = (status: Status): boolean => (FINISHED as readonly Status[]).includes(status);
  const ways: [readonly Status[], object[]][] = [
    [CANCELABLE, canceled],
    [RETRYABLE.filter((status) => !isOver(status)), discarded],
    [FINISHED, STRIP],
  ];
  let erased = 0;
  for await (const ids of idChunks(notifications, concerned(order))) {
    if (Date.now() > endBy) break;
    erased += await deleteQuarantined(notifications, ids);
    for (const [from, pipeline] of ways) {
      const changed = await writeIsolated(notifications, 'operate', ids, async (some) => {
        // A filter by state: what moved since it was found is found by the next pass.
        const filter: Filter<Notification> = {
          _id: { $in: [...some] },
          status: { $in: [...from] },
          user_id: order.user_id,
        };
        return [(await notifications.updateMany(filter, pipeline, BY_ID)).modifiedCount];
      });
      erased += changed.reduce((sum, count) => sum + count, 0);
    }
  }
  const left = await notifications.countDocuments(concerned(order));
  return { erased, left };
}

/** Nothing can be taken out of a record that MongoDB refuses to write, so the whole record goes. Answers how many went. */
async function deleteQuarantined(notifications: Notifications, ids: readonly string[]): Promise<number> {
  const quarantined = [...(await notifications.quarantine.among(ids))];
  if (quarantined.length === 0) return 0;
  const { deletedCount } = await notifications.deleteMany({ _id: { $in: quarantined } }, BY_ID);
  await notifications.quarantine.remove(quarantined);
  return deletedCount;
}

/** Before the state, for a cancel keeps its own line of the timeline. What providers said may name the person. */
const STRIP: object[] = [
  {
    $set: {
      user_id: ERASED_USER,
      message: '',
      erased_at: '$$NOW',
      timeline: {
        $map: {
          input: '$timeline',
          as: 'one',
          in: {
            $arrayToObject: {
              $filter: { input: { $objectToArray: '$$one' }, cond: { $ne: ['$$this.k', 'reason'] } },
            },
          },
        },
      },
    },
  },
  { $unset: [...PERSONAL, 'next_retry_time', 'held_since', 'unpublished'] },
];

function concerned({ user_id, requested_at }: Order): Filter<Notification> {
  return { user_id, created_at: { $lte: requested_at } };
}
