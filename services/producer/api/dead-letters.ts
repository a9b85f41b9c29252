import {
  bulkResultSchema,
  deadLetterQuerySchema,
  discardRequestSchema,
  notificationListSchema,
  redriveRequestSchema,
  viewOf,
} from '../../../shared/contracts/index.ts';
import { MINUTE } from '../../../shared/runtime/duration.ts';
import { newId } from '../../../shared/runtime/ids.ts';
import { countDeadLetters, listDeadLetters } from '../../../shared/store/index.ts';
import { reachOf, type Identity } from '../access/identity.ts';
import type { BulkOrder } from '../bulk-runner.ts';
import type { ProducerContext } from '../context.ts';
import { BODY_PROBLEMS, operation, type Answer, type Operation } from './operation.ts';

const TAG = 'Dead letters';

/** A redrive or discard of a long queue takes its time; milliseconds. */
const BULK_WITHIN_MS = 2 * MINUTE;

/** Looking into the dead letters, sending them again, giving them up. */
export function deadLetterOperations({ notifications, bulk }: ProducerContext): Operation[] {
  return [
    operation({
      method: 'get',
      path: '/v1/dead-letters',
      id: 'listDeadLetters',
      needs: ['read'],
      isLimited: true,
      tag: TAG,
      summary: 'Notifications that failed permanently, newest first',
      query: deadLetterQuerySchema,
      answer: { status: 200, description: 'A page', schema: notificationListSchema },
      problems: ['validation_failed'],
      handle: async ({ query, identity }) => {
        const page = await listDeadLetters(notifications, { ...query, ...reachOf(identity, 'read') });
        return {
          status: 200,
          body: { notifications: page.records.map(viewOf), next_cursor: page.nextCursor },
        };
      },
    }),
    operation({
      method: 'post',
      path: '/v1/dead-letters/retry',
      id: 'redriveDeadLetters',
      needs: ['retry'],
      isLimited: true,
      tag: TAG,
      summary: 'Send dead letters again, all that match the filter',
      body: redriveRequestSchema,
      answer: { status: 202, description: 'How many', schema: bulkResultSchema },
      problems: BODY_PROBLEMS,
      answerWithinMs: BULK_WITHIN_MS,
      handle: ({ body: { filter, dry_run, rate }, identity }) => {
        const reason = rate === undefined ? 'redrive' : `redrive at ${rate} per second`;
        return act({ kind: 'redrive', reason, filter, rate, ...ordererOf(identity) }, dry_run);
      },
    }),
    operation({
      method: 'post',
      path: '/v1/dead-letters/discard',
      id: 'discardDeadLetters',
      needs: ['retry'],
      isLimited: true,
      tag: TAG,
      summary: 'Give dead letters up for good, with a reason',
      body: discardRequestSchema,
      answer: { status: 202, description: 'How many', schema: bulkResultSchema },
      problems: BODY_PROBLEMS,
      answerWithinMs: BULK_WITHIN_MS,
      handle: ({ body: { filter, dry_run, reason }, identity }) =>
        act({ kind: 'discard', reason, filter, ...ordererOf(identity) }, dry_run),
    }),
  ];

  async function act(order: Omit<BulkOrder, 'id'>, isDryRun: boolean): Promise<Answer> {
    if (isDryRun) {
      const { filter, caller } = order;
      const matched = await countDeadLetters(notifications, { ...filter, caller });
      return { status: 202, body: { matched, changed: 0, dry_run: true } };
    }
    const { matched, changed } = await bulk.run({ ...order, id: newId() });
    return { status: 202, body: { matched, changed, dry_run: false } };
  }
}

function ordererOf(identity: Identity): { actor: string; caller?: string } {
  return { actor: identity.actor, ...reachOf(identity, 'retry') };
}
