import { z } from 'zod';
import { quarantineViewSchema } from '../../../shared/contracts/index.ts';
import type { ProducerContext } from '../context.ts';
import {
  QUARANTINE_ACTIONS,
  quarantineViewOf,
  releaseQuarantined,
  type QuarantineAction,
} from '../quarantine.ts';
import { idParams } from './notifications.ts';
import { operation, type Operation } from './operation.ts';
import { Problem } from './problem.ts';

const TAG = 'Quarantine';

const SUMMARIES: Record<QuarantineAction, string> = {
  retry: 'Write a quarantined record again; it goes on where MongoDB takes it',
  discard: 'Give a quarantined record up',
};

/** The records that MongoDB refuses to write, and what may be done with them. */
export function quarantineOperations(context: ProducerContext): Operation[] {
  return [
    operation({
      method: 'get',
      path: '/v1/quarantine',
      id: 'listQuarantine',
      needs: ['read:all'],
      tag: TAG,
      summary: 'Records that MongoDB refuses to write, newest first; 1 000 at most',
      answer: {
        status: 200,
        description: 'All of them',
        schema: z.object({ quarantined: z.array(quarantineViewSchema) }),
      },
      problems: [],
      handle: async () => {
        const entries = await context.notifications.quarantine.list();
        return { status: 200, body: { quarantined: entries.map(quarantineViewOf) } };
      },
    }),
    ...QUARANTINE_ACTIONS.map((action) => releaseOperation(context, action)),
  ];
}

function releaseOperation(context: ProducerContext, action: QuarantineAction): Operation {
  return operation({
    method: 'post',
    path: `/v1/quarantine/{id}/${action}`,
    id: `${action}Quarantined`,
    needs: ['retry:all'],
    tag: TAG,
    summary: SUMMARIES[action],
    params: idParams,
    answer: {
      status: 200,
      description: 'Done',
      schema: z.object({ id: z.string(), outcome: z.enum(['released', 'discarded']) }),
    },
    problems: ['validation_failed', 'not_found', 'state_conflict'],
    handle: async ({ params: { id }, identity: { actor } }) => {
      const released = await releaseQuarantined(context, action, { id, actor });
      if (released.outcome === 'missing')
        throw new Problem('not_found', { detail: 'This notification is not in quarantine.' });
      return { status: 200, body: { id, outcome: action === 'retry' ? 'released' : 'discarded' } };
    },
  });
}
