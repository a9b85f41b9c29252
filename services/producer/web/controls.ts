import type { Request, RequestHandler, Response } from 'express';
import { z } from 'zod';
import {
  ACCEPTING,
  CHANNEL_NAMES,
  fieldErrors,
  pauseOfChannel,
  pauseOfProvider,
  pauseRequestSchema,
  type ControlState,
  type ControlView,
  type FieldError,
} from '../../../shared/contracts/index.ts';
import { noSuchControl } from '../api/controls.ts';
import type { ProducerContext } from '../context.ts';
import { findControl, listControls, pauseControl, resumeControl } from '../controls.ts';
import { actorOf } from './identity.ts';
import { formOf } from './forms.ts';
import { render, renderForm } from './pages.ts';
import { channelName, nameOf } from './presentation.ts';

/** The form of a pause: what the API takes, with the minutes as text. */
const pauseFormSchema = z.object({
  reason: pauseRequestSchema.shape.reason,
  minutes: z
    .string()
    .transform((text) => (text.trim() === '' ? undefined : Number(text)))
    .pipe(pauseRequestSchema.shape.minutes),
});

/** What a control is called. `inline`: its name within a sentence. */
interface ControlName {
  name: string;
  inline: string;
  isDrain: boolean;
}

const STATE_WORDS: Readonly<Record<ControlState, string>> = {
  running: 'Running',
  resuming: 'Resuming',
  pausing: 'Pausing',
  paused: 'Paused',
  no_consumer: 'No consumer runs',
  accepting: 'Accepting',
  draining: 'Draining',
  drained: 'Drained: nothing is on its way',
};

/** Channels, providers and the whole fleet: what runs, what is paused, and the way to change it. */
export function controlsPage(context: ProducerContext): RequestHandler {
  return async function showControls(_request, response) {
    await render(response, 'controls', { title: 'Controls · Tidings', rows: await rowsOf(context) });
  };
}

/** The part of that page that changes by itself. */
export function controlsFragment(context: ProducerContext): RequestHandler {
  return async function showControlsFragment(_request, response) {
    await render(response, 'partials/controls-rows', { rows: await rowsOf(context) });
  };
}

async function rowsOf(context: ProducerContext): Promise<object[]> {
  return (await listControls(context)).map((view) => ({
    ...nameOfControl(view.id),
    id: view.id,
    state: wordsOf(view),
    inFlight: view.in_flight,
    processes: view.processes,
    control: view.since === undefined ? undefined : view,
  }));
}

/** Asks for the reason of a pause. */
export function pausePage(context: ProducerContext): RequestHandler {
  return async function askAboutPause(request, response) {
    await ask(response, await idOf(context, request), [], {});
  };
}

/** Pauses it. */
export function pauseSubmit(context: ProducerContext): RequestHandler {
  return async function pause(request, response) {
    const id = await idOf(context, request);
    const values = formOf(request);
    const parsed = pauseFormSchema.safeParse({ minutes: '', ...values });
    if (!parsed.success) {
      await ask(response, id, fieldErrors(parsed.error), values);
      return;
    }
    await pauseControl(context, id, { ...parsed.data, actor: actorOf(response) });
    response.redirect(303, '/controls');
  };
}

/** Resumes it. It asks nothing: what waited goes on. What is not paused is left alone. */
export function resumeSubmit(context: ProducerContext): RequestHandler {
  return async function resume(request, response) {
    await resumeControl(context, String(request.params.id), { actor: actorOf(response) });
    response.redirect(303, '/controls');
  };
}

function nameOfControl(id: string): ControlName {
  if (id === ACCEPTING) return { name: 'The whole fleet', inline: 'the fleet', isDrain: true };
  const channel = CHANNEL_NAMES.find((type) => pauseOfChannel(type) === id);
  if (channel !== undefined) {
    const name = channelName(channel);
    return { name, inline: channel === 'sms' ? name : name.toLowerCase(), isDrain: false };
  }
  const provider = id.slice(pauseOfProvider('').length);
  return { name: `Provider ${provider}`, inline: `the provider ${provider}`, isDrain: false };
}

function wordsOf({ state, in_flight, undelivered, paused_by, concurrency_limit }: ControlView): string {
  if (paused_by !== undefined) return `${nameOf(paused_by)}, and with it this`;
  if (state === 'pausing' && in_flight > 0) return `Pausing, ${in_flight} in flight`;
  if (state === 'draining') return `Draining, ${undelivered ?? 'some'} on their way`;
  if (state === 'running' && concurrency_limit !== undefined)
    return `Running, limited to ${concurrency_limit} at once: it refuses more`;
  return STATE_WORDS[state];
}

async function idOf(context: ProducerContext, { params }: Request): Promise<string> {
  const id = String(params.id);
  if (!(await findControl(context, id))) throw noSuchControl(id);
  return id;
}

function ask(
  response: Response,
  id: string,
  errors: FieldError[],
  values: Record<string, unknown>,
): Promise<void> {
  const one = { id, ...nameOfControl(id) };
  const question = one.isDrain ? 'Drain the fleet?' : `Pause ${one.inline}?`;
  return renderForm(response, 'switch', { title: `${question} · Tidings`, question, one, errors, values });
}
