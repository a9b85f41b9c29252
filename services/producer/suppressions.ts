import type { Suppression, SuppressionFilter } from '../../shared/contracts/index.ts';
import { suppressionIdOf } from '../../shared/store/index.ts';
import type { ProducerContext } from './context.ts';

/** Lifts a suppression, so that its address gets something again; undefined where there is none. The audit names it by its digest only. `codes`: only where one of them is the reason. */
export async function liftSuppression(
  { suppressions, audit }: Pick<ProducerContext, 'suppressions' | 'audit'>,
  id: string,
  actor: string,
  codes?: readonly string[],
): Promise<Suppression | undefined> {
  const lifted = await suppressions.lift(id, codes);
  if (lifted)
    await audit.note({ actor, act: 'suppression_lifted', subject: `suppression:${id}`, detail: lifted.code });
  return lifted;
}

/** Suppresses an address on somebody's word; answers whether that changed anything. The audit names it by its digest only. */
export async function addSuppression(
  { suppressions, audit }: Pick<ProducerContext, 'suppressions' | 'audit'>,
  {
    channel,
    address,
    ...by
  }: Pick<Suppression, 'channel' | 'code' | 'reason' | 'actor' | 'provider'> & { address: string },
): Promise<boolean> {
  const _id = suppressionIdOf(channel, address);
  const isNew =
    (await suppressions.add({ _id, channel, address, ...by, since: new Date() })) ||
    // An opt-out outweighs that a number was out of reach: removing the one must not undo the other.
    (await suppressions.replaceReason(_id, by));
  if (isNew)
    await audit.note({
      actor: by.actor,
      act: 'suppression_added',
      subject: `suppression:${_id}`,
      detail: by.code,
    });
  return isNew;
}

/** What somebody orders to be removed from the suppression list. */
export interface Removal {
  filter: SuppressionFilter;
  /** Why. */
  reason: string;
  actor: string;
}

/** Removes all suppressions that match; answers how many matched, and how many were removed. One line of the audit says so. */
export async function removeSuppressions(
  { suppressions, audit }: Pick<ProducerContext, 'suppressions' | 'audit'>,
  { filter, reason, actor }: Removal,
): Promise<{ matched: number; changed: number }> {
  const matched = await suppressions.countRemovable(filter);
  const changed = await suppressions.removeAll(filter);
  // The words of a filter may hold an address, and the audit outlives the person.
  const { reason: words, ...which } = filter;
  const said = JSON.stringify({ ...which, ...(words !== undefined && { reason: '…' }) });
  if (changed > 0)
    await audit.note({
      actor,
      act: 'suppressions_removed',
      subject: 'suppressions',
      detail: `${changed} removed by ${said}: ${reason}`,
    });
  return { matched, changed };
}
