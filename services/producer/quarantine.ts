import { quarantineViewSchema, type QuarantineView } from '../../shared/contracts/index.ts';
import {
  discardQuarantined,
  retryQuarantined,
  type Quarantined,
  type Released,
} from '../../shared/store/index.ts';
import { Problem } from './api/problem.ts';
import type { ProducerContext } from './context.ts';

/** What an operator may do with a quarantined record. */
export const QUARANTINE_ACTIONS = ['retry', 'discard'] as const;

/** One of them. */
export type QuarantineAction = (typeof QUARANTINE_ACTIONS)[number];

const DONE = { retry: 'retried', discard: 'discarded' } as const satisfies Record<QuarantineAction, string>;

/**
 * Retries or discards a quarantined record, and audits it. A retried record that is pending is published.
 * @throws Problem where MongoDB still refuses what a retry writes.
 */
export async function releaseQuarantined(
  { notifications, acceptor, audit, config }: ProducerContext,
  action: QuarantineAction,
  { id, actor }: { id: string; actor: string },
): Promise<Released> {
  const done = DONE[action];
  const change = { actor, reason: `${done} from quarantine` };
  const options = { change, retentionDays: config.RETENTION_DAYS };
  const released =
    action === 'retry'
      ? await retryQuarantined(notifications, id, options)
      : await discardQuarantined(notifications, id, options);
  // A discard is done even where MongoDB refuses to write it: the entry says so.
  if (released.outcome === 'refused' && action === 'retry')
    throw new Problem('state_conflict', {
      detail: `MongoDB still refuses to write the record: ${released.reason}`,
    });
  if (released.outcome !== 'missing')
    await audit.note({ act: `quarantine_${done}`, subject: `notification:${id}`, actor });
  if (released.outcome === 'released' && released.record.status === 'pending')
    acceptor.publish([released.record]);
  return released;
}

/** What the API and the pages show of an entry. */
export function quarantineViewOf({
  _id: id,
  since,
  discarded_at,
  result,
  ...entry
}: Quarantined): QuarantineView {
  return quarantineViewSchema.parse({
    ...entry,
    id,
    since: since.toISOString(),
    result: result?.status,
    discarded_at: discarded_at?.toISOString(),
  });
}
