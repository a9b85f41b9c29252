import type { Suppression } from '../../shared/contracts/index.ts';
import type { ProducerContext } from './context.ts';

/** Lifts a suppression, so that its address gets something again; undefined where there is none. The audit names it by its digest only. */
export async function liftSuppression(
  { suppressions, audit }: Pick<ProducerContext, 'suppressions' | 'audit'>,
  id: string,
  actor: string,
): Promise<Suppression | undefined> {
  const lifted = await suppressions.lift(id);
  if (lifted)
    await audit.note({ actor, act: 'suppression_lifted', subject: `suppression:${id}`, detail: lifted.code });
  return lifted;
}
