import { Router } from 'express';
import { z } from 'zod';
import {
  TASK_UPDATED,
  TASK_UPDATES_KEPT_MS,
  notificationOfTaskUpdate,
  taskUpdateRequestSchema,
  taskUpdatedSchema,
  type Notification,
} from '../../../shared/contracts/index.ts';
import type { ProducerContext } from '../context.ts';
import { allowOrigins } from '../realtime/origins.ts';
import { LISTENING } from '../realtime/listening.ts';
import { streamTaskUpdates } from '../realtime/task-stream.ts';
import { requireIdentity } from './authentication.ts';
import { idempotencyHeaders, idempotencyKeyOf } from './idempotency.ts';
import { acceptedAnswer } from './notifications.ts';
import { BODY_PROBLEMS, onlyGet, operation, requireScope, serve, type Operation } from './operation.ts';

const UPDATE = '/update_task';
const STREAM = '/task_updates';

const updatedHeaders = z.object({
  Location: z.string().meta({ description: 'Where to ask for the notification' }),
  'Idempotency-Replayed': z
    .literal('true')
    .optional()
    .meta({ description: 'With a key that came before: it was updated then, and no second time now' }),
});

/** Saying that a task was updated. */
export function taskUpdateOperation({ reception, tasks }: ProducerContext): Operation {
  return operation({
    method: 'post',
    path: UPDATE,
    id: 'updateTask',
    needs: ['send:email'],
    tag: 'Tasks',
    summary:
      'Say that a task was updated: its person gets an e-mail, and whoever listens hears of it at once',
    headers: idempotencyHeaders,
    body: taskUpdateRequestSchema,
    answer: {
      status: 200,
      description: 'Update and notification are stored',
      schema: taskUpdatedSchema,
      headers: updatedHeaders,
    },
    problems: [...BODY_PROBLEMS, 'idempotency_conflict'],
    handle: async ({ body, rawBody, headers, identity }) => {
      const request = notificationOfTaskUpdate(body);
      const keyed = { key: idempotencyKeyOf(headers['idempotency-key']), body: rawBody };
      const received = await reception.receive(request, { identity, keyed });
      const accepted = acceptedAnswer(request.type, received);
      // Should this fail, its caller hears so and repeats it; with the same key the notification stays the only one.
      if ('record' in received && isKept(received.record))
        await tasks.note({
          task_id: body.task_id,
          notification_id: received.record._id,
          at: received.record.created_at,
          caller: identity.actor,
        });
      return { ...accepted, status: 200, body: { status: TASK_UPDATED } };
    },
  });
}

/** A repeat of what was updated long ago is told to nobody again. */
function isKept({ created_at }: Notification): boolean {
  return Date.now() - created_at.getTime() < TASK_UPDATES_KEPT_MS;
}

/** Both addresses of task updates: saying so, and listening. Pages of ALLOWED_ORIGINS may call them. */
export function tasksRouter(context: ProducerContext, operations: readonly Operation[]): Router {
  const router = Router();
  router.use([UPDATE, STREAM], allowOrigins(context.config), requireIdentity(context.gate));
  serve(
    router,
    operations.filter(({ path }) => path === UPDATE),
  );
  router.route(STREAM).all(onlyGet).get(requireScope(LISTENING.needs), streamTaskUpdates(context));
  return router;
}
