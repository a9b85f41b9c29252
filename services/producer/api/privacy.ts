import { z } from 'zod';
import {
  detailOf,
  erasureSchema,
  erasureViewOf,
  exportQuerySchema,
  notificationDetailSchema,
  suppressionViewOf,
  suppressionViewSchema,
} from '../../../shared/contracts/index.ts';
import { newId } from '../../../shared/runtime/ids.ts';
import { carryOutErasure, listUserNotifications } from '../../../shared/store/index.ts';
import type { ProducerContext } from '../context.ts';
import { operation, type Operation } from './operation.ts';
import { Problem } from './problem.ts';
import { userParams } from './users.ts';

const TAG = 'People';
/** A person may have many notifications; what is not done by then the scheduler does, and the caller has the receipt. Milliseconds. */
const ERASE_WITHIN_MS = 1_500;

/** What is known of one person: given out, and erased. */
export function privacyOperations(context: ProducerContext): Operation[] {
  const { notifications, acts, erasures, suppressions, audit, pseudonyms } = context;
  return [
    operation({
      method: 'delete',
      path: '/v1/users/{user_id}',
      id: 'eraseUser',
      needs: ['admin'],
      tag: TAG,
      summary: 'Erase a person: what waits is canceled, content and recipients are removed, the counts stay',
      params: userParams,
      answer: { status: 202, description: 'The receipt', schema: erasureSchema },
      problems: ['validation_failed'],
      handle: async ({ params: { user_id }, identity: { actor } }) => {
        const order = {
          _id: newId(),
          user_id,
          user_digest: await pseudonyms.of(user_id),
          requested_by: actor,
          requested_at: new Date(),
          erased: 0,
        };
        await erasures.add(order);
        const subject = await pseudonyms.subjectOf(user_id);
        await audit.note({ actor, act: 'user_erased', subject, detail: `erasure ${order._id}` });
        const { RETENTION_DAYS: retentionDays } = context.config;
        const stores = { notifications, acts, erasures, suppressions, retentionDays };
        const done = await carryOutErasure(stores, order, ERASE_WITHIN_MS);
        return { status: 202, body: erasureViewOf(done), headers: { location: `/v1/erasures/${order._id}` } };
      },
    }),
    operation({
      method: 'get',
      path: '/v1/erasures/{id}',
      id: 'getErasure',
      needs: ['admin'],
      tag: TAG,
      summary: 'The receipt of an erasure',
      params: z.object({ id: z.string().max(64) }),
      answer: { status: 200, description: 'The receipt', schema: erasureSchema },
      problems: ['validation_failed', 'not_found'],
      handle: async ({ params }) => {
        const erasure = await erasures.get(params.id);
        if (!erasure) throw new Problem('not_found', { detail: 'There is no such erasure.' });
        return { status: 200, body: erasureViewOf(erasure) };
      },
    }),
    operation({
      method: 'get',
      path: '/v1/users/{user_id}/export',
      id: 'exportUser',
      needs: ['admin'],
      tag: TAG,
      summary: 'All that is stored of a person, page by page, newest first',
      params: userParams,
      query: exportQuerySchema,
      answer: {
        status: 200,
        description: 'A page',
        schema: z.object({
          user_id: z.string(),
          exported_at: z.iso.datetime(),
          notifications: z.array(notificationDetailSchema),
          suppressions: z
            .array(suppressionViewSchema)
            .describe('Addresses of this person that nothing is handed over to'),
          next_cursor: z.string().nullable(),
        }),
      },
      problems: ['validation_failed'],
      handle: async ({ params: { user_id }, query, identity: { actor } }) => {
        const [{ records, nextCursor }, suppressed] = await Promise.all([
          listUserNotifications(notifications, user_id, query),
          suppressions.ofUser(user_id),
        ]);
        await audit.note({ actor, act: 'user_exported', subject: await pseudonyms.subjectOf(user_id) });
        const page = {
          notifications: records.map(detailOf),
          suppressions: suppressed.map(suppressionViewOf),
          next_cursor: nextCursor,
        };
        return { status: 200, body: { user_id, exported_at: new Date().toISOString(), ...page } };
      },
    }),
  ];
}
