import type { Suppression } from '../../shared/contracts/index.ts';
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
  }: Pick<Suppression, 'channel' | 'code' | 'reason' | 'actor'> & { address: string },
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
