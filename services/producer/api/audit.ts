import { z } from 'zod';
import { auditQuerySchema, auditViewOf, auditViewSchema } from '../../../shared/contracts/index.ts';
import type { ProducerContext } from '../context.ts';
import { operation, type Operation } from './operation.ts';

/** Who did what to which. */
export function auditOperation({ audit, pseudonyms }: ProducerContext): Operation {
  return operation({
    method: 'get',
    path: '/v1/audit',
    id: 'listAudit',
    needs: ['admin'],
    tag: 'Operations',
    summary: 'Who did what to which, newest first',
    query: auditQuerySchema,
    answer: {
      status: 200,
      description: 'A page',
      schema: z.object({ entries: z.array(auditViewSchema), next_cursor: z.string().nullable() }),
    },
    problems: ['validation_failed'],
    handle: async ({ query }) => {
      const { subject } = query;
      const asked = subject === undefined ? {} : { subject: await pseudonyms.asAudited(subject) };
      const { entries, nextCursor } = await audit.list({ ...query, ...asked });
      return { status: 200, body: { entries: entries.map(auditViewOf), next_cursor: nextCursor } };
    },
  });
}
