import { NOT_EXPIRED, claimPipeline, claimable, type ClaimOptions } from './claim.ts';
import { BY_ID, movedTo, retentionEnd, type Notifications } from './collection.ts';
import { idsChanged, withoutQuarantined, writeIsolated } from './isolated-write.ts';
import { withTimelineEntry } from './timeline.ts';

/** Where our own store is the provider, one write claims, hands over and records. */
export interface AtOnce {
  /** What the record calls the provider. */
  provider: string;
  retentionDays: number;
}

/**
 * Claims those of the ids that are claimable, hands them over and records that, all in one write; answers which ones that was. After an error,
 * call it with the same token: what the first call had sent counts as sent now.
 */
export async function sendAtOnce(
  notifications: Notifications,
  ids: string[],
  options: ClaimOptions & AtOnce,
): Promise<ReadonlySet<string>> {
  const { token } = options;
  const pipeline = [...claimPipeline(options, false), ...atOncePipeline(options)];
  const free = await withoutQuarantined(notifications, ids);
  const sent = await writeIsolated(notifications, 'send', free, async (some) => {
    const filter = { _id: { $in: [...some] }, ...claimable(options, NOT_EXPIRED) };
    const { modifiedCount } = await notifications.updateMany(filter, pipeline, BY_ID);
    return idsChanged(notifications, some, modifiedCount, { claim: token, status: 'sent' });
  });
  return new Set(sent);
}

/** From claimed to sent, in the same write. The token stays: it tells what this claim has sent. */
function atOncePipeline({ provider, retentionDays, actor }: ClaimOptions & AtOnce): object[] {
  const entry = { at: '$$NOW', status: 'sent', actor: { $literal: actor }, attempt: '$attempt' };
  return [
    {
      $set: {
        status: 'sent',
        moved: movedTo('sent', '$previous_status'),
        sent_at: '$$NOW',
        delete_at: retentionEnd(retentionDays),
        provider: { $literal: provider },
        unread: true,
        ...withTimelineEntry(entry),
      },
    },
    { $unset: ['lease_until', 'held_since', 'error'] },
  ];
}
