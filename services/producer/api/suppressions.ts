import { z } from 'zod';
import {
  newSuppressionSchema,
  suppressionParams,
  suppressionQuerySchema,
  suppressionRemovalSchema,
  suppressionViewOf,
  suppressionViewSchema,
  suppressionsRemovedSchema,
} from '../../../shared/contracts/index.ts';
import { MINUTE } from '../../../shared/runtime/duration.ts';
import { suppressionIdOf } from '../../../shared/store/index.ts';
import type { ProducerContext } from '../context.ts';
import { addSuppression, liftSuppression, removeSuppressions } from '../suppressions.ts';
import { BODY_PROBLEMS, operation, type Operation } from './operation.ts';
import { Problem } from './problem.ts';

const TAG = 'Suppressions';

/** The code of a suppression that somebody added. */
const BY_HAND = 'by_hand';
/** A removal from a long list takes its time; milliseconds. */
const BULK_WITHIN_MS = 2 * MINUTE;

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
      method: 'post',
      path: '/v1/suppressions',
      id: 'addSuppression',
      needs: ['retry:all'],
      tag: TAG,
      summary: 'Suppress an address by hand',
      body: newSuppressionSchema,
      answer: { status: 200, description: 'The address is suppressed', schema: suppressionViewSchema },
      problems: [...BODY_PROBLEMS, 'not_found'],
      handle: async ({ body, identity: { actor } }) => {
        await addSuppression(context, { ...body, code: BY_HAND, actor });
        const found = await suppressions.get(suppressionIdOf(body.channel, body.address));
        if (!found) throw new Problem('not_found', { detail: 'The suppression was removed meanwhile.' });
        return { status: 200, body: suppressionViewOf(found) };
      },
    }),
    operation({
      method: 'post',
      path: '/v1/suppressions/remove',
      id: 'removeSuppressions',
      needs: ['retry:all'],
      tag: TAG,
      summary: 'Remove all suppressions that match a filter, after a dry run',
      body: suppressionRemovalSchema,
      answer: { status: 200, description: 'How many', schema: suppressionsRemovedSchema },
      problems: BODY_PROBLEMS,
      answerWithinMs: BULK_WITHIN_MS,
      handle: async ({ body: { filter, dry_run, reason }, identity: { actor } }) => {
        const { matched, changed } = dry_run
          ? { matched: await suppressions.countRemovable(filter), changed: 0 }
          : await removeSuppressions(context, { filter, reason, actor });
        return { status: 200, body: { matched, changed, dry_run } };
      },
    }),
    operation({
      method: 'delete',
      path: '/v1/suppressions/{channel}/{address}',
      id: 'liftSuppression',
      needs: ['retry:all'],
      tag: TAG,
      summary:
        'Remove a suppression: the address gets something again. What was suppressed meanwhile can be retried',
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
