import { z } from 'zod';
import {
  suppressionParams,
  suppressionQuerySchema,
  suppressionViewOf,
  suppressionViewSchema,
} from '../../../shared/contracts/index.ts';
import { suppressionIdOf } from '../../../shared/store/index.ts';
import type { ProducerContext } from '../context.ts';
import { liftSuppression } from '../suppressions.ts';
import { operation, type Operation } from './operation.ts';
import { Problem } from './problem.ts';

const TAG = 'Suppressions';

/** The addresses that nothing is handed over to, and the way back. */
export function suppressionOperations(context: ProducerContext): Operation[] {
  const { suppressions } = context;
  return [
    operation({
      method: 'get',
      path: '/v1/suppressions',
      id: 'listSuppressions',
      needs: ['read:all'],
      tag: TAG,
      summary: 'Addresses that nothing is handed over to, newest first',
      query: suppressionQuerySchema,
      answer: {
        status: 200,
        description: 'A page',
        schema: z.object({
          suppressions: z.array(suppressionViewSchema),
          next_cursor: z
            .string()
            .nullable()
            .describe('Give it as cursor for the next page; null on the last'),
        }),
      },
      problems: ['validation_failed'],
      handle: async ({ query }) => {
        const page = await suppressions.list(query);
        const body = { suppressions: page.suppressions.map(suppressionViewOf), next_cursor: page.nextCursor };
        return { status: 200, body };
      },
    }),
    operation({
      method: 'delete',
      path: '/v1/suppressions/{channel}/{address}',
      id: 'liftSuppression',
      needs: ['retry:all'],
      tag: TAG,
      summary:
        'Lift a suppression: the address gets something again. What was suppressed meanwhile is not sent',
      params: suppressionParams,
      answer: { status: 200, description: 'What it was', schema: suppressionViewSchema },
      problems: ['validation_failed', 'not_found'],
      handle: async ({ params: { channel, address }, identity: { actor } }) => {
        const lifted = await liftSuppression(context, suppressionIdOf(channel, address), actor);
        if (!lifted) throw new Problem('not_found', { detail: 'This address is not suppressed.' });
        return { status: 200, body: suppressionViewOf(lifted) };
      },
    }),
  ];
}
