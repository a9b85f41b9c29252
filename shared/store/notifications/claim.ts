import type { Filter } from 'mongodb';
import { randomUUID } from 'node:crypto';
import { CLAIMABLE_WHEN_DUE, type Notification } from '../../contracts/index.ts';
import { SECOND } from '../../runtime/duration.ts';
import { BY_ID, movedTo, type Notifications } from './collection.ts';
import { withoutQuarantined, writeIsolated } from './isolated-write.ts';
import { withTimelineEntry } from './timeline.ts';

/** A message of a wait queue may come back a little before the database thinks that it is due, in milliseconds. */
const EARLY_TOLERANCE_MS = 2 * SECOND;

/** Interruptions after which a record is a poison: it ends without another try. */
export const POISON_AT = 5;
/** Interruptions from which on a record is delivered alone, so that it takes no innocents along. */
export const SUSPECT_AT = 2;

/**
 * Due, not expired, and under nobody's live lease. By the database's clock. A claim that ran out is not taken over by itself: it may be
 * repeated after an error. An interrupted one is taken over also past its `expires_at`: somebody must say how it ended; but not where taking
 * over is sending.
 */
export function claimable(
  { token, takeOver = true }: ClaimOptions,
  andIfTakenOver: Filter<Notification> = {},
): Filter<Notification> {
  return {
    $or: [
      { status: 'pending', ...NOT_EXPIRED },
      {
        status: { $in: [...CLAIMABLE_WHEN_DUE] },
        $and: [
          { $expr: { $lte: ['$next_retry_time', { $add: ['$$NOW', EARLY_TOLERANCE_MS] }] } },
          NOT_EXPIRED,
        ],
      },
      ...(takeOver ? [{ ...expiredLease(token), $and: [andIfTakenOver] }] : []),
    ],
  };
}

/** The condition that its time is not over, by the database's clock. */
export const NOT_EXPIRED: Filter<Notification> = {
  $expr: { $or: [{ $eq: [{ $type: '$expires_at' }, 'missing'] }, { $gt: ['$expires_at', '$$NOW'] }] },
};

function expiredLease(token: string): Filter<Notification> {
  return { status: 'sending', claim: { $ne: token }, $expr: { $lt: ['$lease_until', '$$NOW'] } };
}

/** A token that is unique to one claim. */
export function newClaimToken(): string {
  return randomUUID();
}

/** A claim in the making. */
export interface ClaimOptions {
  token: string;
  actor: string;
  leaseMs: number;
  /** Whether leases that ran out are taken over; by default they are. */
  takeOver?: boolean;
}

/**
 * Claims those of the ids that are claimable, in one write, and reads back the ones that are now ours. The driver does not retry an
 * updateMany: after an error, call `again` with the same token; what the first call had claimed is renewed, and ours. `isOwnStore`: the provider
 * is our own store, so what was interrupted was not handed over.
 */
export async function claimNotifications(
  notifications: Notifications,
  ids: string[],
  options: ClaimOptions & { again?: boolean; isOwnStore?: boolean },
): Promise<Notification[]> {
  const { token, leaseMs, again, isOwnStore } = options;
  const pipeline = isOwnStore ? claimPipeline(options, false) : claimPipeline(options);
  const free = await withoutQuarantined(notifications, ids);
  return writeIsolated(notifications, 'claim', free, async (some) => {
    await notifications.updateMany({ _id: { $in: [...some] }, ...claimable(options) }, pipeline, BY_ID);
    if (again)
      await renewLeases(
        notifications,
        some.map((id) => ({ id, token })),
        leaseMs,
      );
    return notifications.find({ _id: { $in: [...some] }, claim: token, status: 'sending' }, BY_ID).toArray();
  });
}

/** The update of a claim. `ambiguous`: whether what is taken over was sent is unknown; false where a hand-over is one write with its claim. */
export function claimPipeline(
  { token, actor, leaseMs }: ClaimOptions,
  ambiguous: '$taken_over' | false = '$taken_over',
): object[] {
  return [
    { $set: { taken_over: { $eq: ['$status', 'sending'] } } },
    {
      $set: {
        previous_status: '$status',
        moved: movedTo('sending'),
        status: 'sending',
        claim: token,
        fence: { $add: ['$fence', 1] },
        attempt: { $add: ['$attempt', 1] },
        interrupted: { $add: ['$interrupted', { $cond: ['$taken_over', 1, 0] }] },
        ambiguous_count: { $add: ['$ambiguous_count', { $cond: [ambiguous, 1, 0] }] },
        claimed_at: '$$NOW',
        lease_until: { $add: ['$$NOW', leaseMs] },
        updated_at: '$$NOW',
        ...withTimelineEntry(claimEntry(actor, ambiguous)),
      },
    },
    // Its message was published: here it is.
    { $unset: ['taken_over', 'next_retry_time', 'hinted_at', 'unpublished'] },
  ];
}

/** The timeline entry of a claim; one over an expired lease says that the attempt before it is ambiguous. */
function claimEntry(actor: string, isAmbiguous: string | false): object {
  const entry = {
    at: '$$NOW',
    status: 'sending',
    actor: { $literal: actor },
    attempt: { $add: ['$attempt', 1] },
  };
  const ambiguous = {
    ...entry,
    ambiguous: true,
    code: 'interrupted',
    reason: 'the attempt before was interrupted: it is unknown whether the provider took it',
  };
  return { $cond: [isAmbiguous, ambiguous, entry] };
}

/** Prolongs the leases of claims that are still ours; answers the ids that are. */
export async function renewLeases(
  notifications: Notifications,
  claims: readonly { id: string; token: string }[],
  leaseMs: number,
): Promise<Set<string>> {
  const tokens = [...new Set(claims.map((claim) => claim.token))];
  const ids = claims.map((claim) => claim.id);
  const renewal = [{ $set: { lease_until: { $add: ['$$NOW', leaseMs] } } }];
  const kept = await writeIsolated(notifications, 'claim', ids, async (some) => {
    const mine = { _id: { $in: [...some] }, claim: { $in: tokens }, status: 'sending' as const };
    await notifications.updateMany(mine, renewal, BY_ID);
    return notifications.find(mine, { projection: { _id: 1 }, ...BY_ID }).toArray();
  });
  return new Set(kept.map(({ _id }) => _id));
}
