import type { ProducerContext } from '../context.ts';
import { collectStats, statsSchema } from '../stats/collect.ts';
import { operation, type Operation } from './operation.ts';

/** The figures for machines. Browsers get the page. */
export function statsOperation(context: ProducerContext): Operation {
  return operation({
    method: 'get',
    path: '/stats',
    id: 'getStats',
    needs: ['read'],
    tag: 'Operations',
    summary: 'Counts by status and channel, queue depths, and the balance of the two books',
    answer: { status: 200, description: 'The figures', schema: statsSchema },
    problems: [],
    handle: async () => ({ status: 200, body: await collectStats(context) }),
  });
}
