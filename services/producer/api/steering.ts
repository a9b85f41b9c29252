import {
  acceptedSchema,
  resolveRequestSchema,
  whyNot,
  type STEERABLE,
} from '../../../shared/contracts/index.ts';
import type { Operated } from '../../../shared/store/index.ts';
import { reachOf, type Identity } from '../access/identity.ts';
import type { ProducerContext } from '../context.ts';
import { TAG, idParams } from './notifications.ts';
import { BODY_PROBLEMS, operation, type Answer, type Operation } from './operation.ts';
import { cancel, resolve, retry, type Steerer } from '../steering.ts';
import { Problem } from './problem.ts';

/** What a person may order for one notification. */
export function steeringOperations(context: ProducerContext): Operation[] {
  return [
    operation({
      method: 'post',
      path: '/v1/notifications/{id}/retry',
      id: 'retryNotification',
      needs: ['retry'],
      isLimited: true,
      tag: TAG,
      summary:
        'Send again by hand, from failed_permanently, outcome_unknown, or suppressed once the suppression is removed',
      params: idParams,
      answer: { status: 202, description: 'Pending again, with a full ladder', schema: acceptedSchema },
      problems: ['validation_failed', 'not_found', 'state_conflict'],
      handle: async ({ params, identity }) =>
        operatedAnswer('retried', await retry(context, params.id, steererOf(identity))),
    }),
    operation({
      method: 'post',
      path: '/v1/notifications/{id}/cancel',
      id: 'cancelNotification',
      needs: ['retry'],
      isLimited: true,
      tag: TAG,
      summary: 'Take back what has not begun to be sent',
      params: idParams,
      answer: { status: 202, description: 'Canceled: nothing will be sent', schema: acceptedSchema },
      problems: ['validation_failed', 'not_found', 'state_conflict'],
      handle: async ({ params, identity }) =>
        operatedAnswer('canceled', await cancel(context, params.id, steererOf(identity))),
    }),
    operation({
      method: 'post',
      path: '/v1/notifications/{id}/resolve',
      id: 'resolveNotification',
      needs: ['retry'],
      isLimited: true,
      tag: TAG,
      summary: 'Say what became of an outcome_unknown',
      params: idParams,
      body: resolveRequestSchema,
      answer: { status: 202, description: 'Resolved', schema: acceptedSchema },
      problems: [...BODY_PROBLEMS, 'not_found', 'state_conflict'],
      handle: async ({ params, body, identity }) =>
        operatedAnswer('resolved', await resolve(context, params.id, body.outcome, steererOf(identity))),
    }),
  ];
}

function steererOf(identity: Identity): Steerer {
  return { actor: identity.actor, ...reachOf(identity, 'retry') };
}

function operatedAnswer(act: keyof typeof STEERABLE, operated: Operated): Answer {
  if (operated.outcome === 'missing')
    throw new Problem('not_found', { detail: 'There is no such notification.' });
  if (operated.outcome === 'refused')
    throw new Problem('state_conflict', {
      detail: `MongoDB refuses to write this notification, which is in quarantine now: ${operated.reason}`,
    });
  if (operated.outcome === 'conflict')
    throw new Problem('state_conflict', {
      detail: whyNot(operated.state, act),
      state: operated.state,
    });
  return { status: 202, body: { id: operated.record._id, status: operated.record.status } };
}
