import { z } from 'zod';
import {
  controlListSchema,
  controlViewSchema,
  pauseRequestSchema,
  type Scope,
} from '../../../shared/contracts/index.ts';
import type { ProducerContext } from '../context.ts';
import { listControls, pauseControl, resumeControl, type Controlled } from '../controls.ts';
import { BODY_PROBLEMS, operation, type Answer, type Operation } from './operation.ts';
import { Problem } from './problem.ts';

const TAG = 'Controls';
const controlParams = z.object({
  id: z.string().max(200).meta({
    description: 'channel:<type>, provider:<name>, or accepting, which drains the fleet',
    example: 'channel:sms',
  }),
});
/** What operators have: a pause concerns everybody. */
const OPERATE: readonly Scope[] = ['retry:all'];

/** Pausing and resuming channels and providers, draining the fleet. */
export function controlOperations(context: ProducerContext): Operation[] {
  return [
    operation({
      method: 'get',
      path: '/v1/controls',
      id: 'listControls',
      needs: ['read:all'],
      tag: TAG,
      summary: 'Channels, providers and accepting: what runs, what is paused',
      answer: { status: 200, description: 'All of them', schema: controlListSchema },
      problems: [],
      handle: async () => ({ status: 200, body: { controls: await listControls(context) } }),
    }),
    operation({
      method: 'post',
      path: '/v1/controls/{id}/pause',
      id: 'pauseControl',
      needs: OPERATE,
      tag: TAG,
      summary: 'Pause a channel or a provider while accepting goes on, or accepting while delivery goes on',
      params: controlParams,
      body: pauseRequestSchema,
      answer: {
        status: 200,
        description: 'How it stands. Repeated, the call changes the reason and the end',
        schema: controlViewSchema,
      },
      problems: [...BODY_PROBLEMS, 'not_found'],
      handle: async ({ params, body, identity: { actor } }) =>
        controlledAnswer(params.id, await pauseControl(context, params.id, { ...body, actor })),
    }),
    operation({
      method: 'post',
      path: '/v1/controls/{id}/resume',
      id: 'resumeControl',
      needs: OPERATE,
      tag: TAG,
      summary: 'Resume what is paused; what waited is delivered',
      params: controlParams,
      answer: { status: 200, description: 'How it stands', schema: controlViewSchema },
      problems: ['validation_failed', 'not_found', 'state_conflict'],
      handle: async ({ params, identity }) =>
        controlledAnswer(params.id, await resumeControl(context, params.id, identity)),
    }),
  ];
}

function controlledAnswer(id: string, controlled: Controlled): Answer {
  if (controlled.outcome === 'missing') throw noSuchControl(id);
  if (controlled.outcome === 'conflict') {
    const { state } = controlled.view;
    throw new Problem('state_conflict', { detail: `${id} is not paused: it is ${state}.`, state });
  }
  return { status: 200, body: controlled.view };
}

/** For an id that names nothing that can be paused. */
export function noSuchControl(id: string): Problem {
  return new Problem('not_found', {
    detail: `There is no control ${id}. GET /v1/controls lists them, such as channel:email, provider:smtp and accepting.`,
  });
}
