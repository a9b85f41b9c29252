import type { Request, RequestHandler, Response } from 'express';
import { z } from 'zod';
import {
  ACCEPTING,
  CHANNEL_NAMES,
  controlSchema,
  fieldErrors,
  pauseOfChannel,
  pauseOfProvider,
  type Control,
  type FieldError,
  type Presence,
} from '../../../shared/contracts/index.ts';
import { totalOf } from '../../../shared/store/index.ts';
import { MINUTE } from '../../../shared/runtime/duration.ts';
import { Problem } from '../api/problem.ts';
import type { ProducerContext } from '../context.ts';
import { actorOf } from './identity.ts';
import { formOf } from './forms.ts';
import { render, renderForm } from './pages.ts';
import { channelName, nameOf, switchedView } from './presentation.ts';

/** What the form of a switch brings. */
const orderSchema = z.object({
  reason: controlSchema.shape.reason,
  minutes: z
    .string()
    .transform((text) => (text.trim() === '' ? undefined : Number(text)))
    .pipe(
      z
        .int({ error: 'must be a whole number of minutes, or empty' })
        .min(1, { error: 'must be at least 1' })
        .max(10_080, { error: 'must be at most 10 080, a week' })
        .optional(),
    ),
});

/** What a consumer says of its channel. */
type Delivery = NonNullable<Presence['delivery']>;

/** Something that can be switched, as the pages show it. */
interface Switch {
  id: string;
  name: string;
  /** Its name inside a sentence. */
  inline: string;
  isDrain: boolean;
  /** What it concerns: one for each consumer. */
  parts: { is_paused: boolean; in_flight: number }[];
  /** Another order that has the same effect, and is on. */
  other?: string | undefined;
}

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
  const [running, active, balance] = await Promise.all([
    context.presences.running(),
    context.controls.active(),
    context.books.read(),
  ]);
  const toGo = balance && totalOf(balance.counts, ['pending', 'sending']);
  return switchesOf(running, active).map((one) => ({ ...one, ...stateOf(one, active, toGo) }));
}

/** Asks for the reason before something is switched on. */
export function switchPage(context: ProducerContext): RequestHandler {
  return async function askAboutSwitch(request, response) {
    await ask(response, await findSwitch(context, request), [], {});
  };
}

/** Switches it on. */
export function switchSubmit(context: ProducerContext): RequestHandler {
  return async function switchOn(request, response) {
    const one = await findSwitch(context, request);
    const values = formOf(request);
    const parsed = orderSchema.safeParse({ minutes: '', ...values });
    if (!parsed.success) {
      await ask(response, one, fieldErrors(parsed.error), values);
      return;
    }
    const { reason, minutes } = parsed.data;
    const since = new Date();
    const until = minutes === undefined ? undefined : new Date(since.getTime() + minutes * MINUTE);
    const by = actorOf(response);
    await context.controls.set({ _id: one.id, by, reason, since, ...(until && { until }) });
    const detail = minutes === undefined ? reason : `for ${minutes} min: ${reason}`;
    await context.audit.note({ actor: by, act: 'switched_on', subject: one.id, detail });
    response.redirect(303, '/controls');
  };
}

/** Switches it off. Asks nothing: what was held back goes on. */
export function resumeSubmit(context: ProducerContext): RequestHandler {
  return async function switchOff(request, response) {
    const id = String(request.params.id);
    const by = actorOf(response);
    if (await context.controls.clear(id))
      await context.audit.note({ actor: by, act: 'switched_off', subject: id });
    response.redirect(303, '/controls');
  };
}

function switchesOf(running: readonly Presence[], active: readonly Control[]): Switch[] {
  const consumers = running.flatMap(({ delivery }) => delivery ?? []);
  const isOn = (order: string): boolean => active.some(({ _id }) => _id === order);
  // One that nobody uses just now can still be on.
  const providers = [
    ...consumers.flatMap(({ providers }) => providers.map(({ name }) => pauseOfProvider(name))),
    ...active.map(({ _id }) => _id),
  ];
  const ofProviders = [...new Set(providers.filter((id) => id.startsWith(pauseOfProvider(''))))].sort();
  return [
    ...CHANNEL_NAMES.map((type) => ({
      id: pauseOfChannel(type),
      name: channelName(type),
      inline: type === 'sms' ? 'SMS' : channelName(type).toLowerCase(),
      isDrain: false,
      ...channelSwitch(
        consumers.filter(({ channel }) => channel === type),
        isOn,
      ),
    })),
    ...ofProviders.map((id) => ({
      id,
      name: `Provider ${id.slice(pauseOfProvider('').length)}`,
      inline: `the provider ${id.slice(pauseOfProvider('').length)}`,
      isDrain: false,
      ...providerSwitch(id, consumers, isOn),
    })),
    { id: ACCEPTING, name: 'The whole fleet', inline: 'the fleet', isDrain: true, parts: consumers },
  ];
}

/** A channel is paused as well when all of its providers are. */
function channelSwitch(
  consumers: readonly Delivery[],
  isOn: (order: string) => boolean,
): Pick<Switch, 'parts' | 'other'> {
  const orders = consumers.flatMap(({ providers }) => providers.map(({ name }) => pauseOfProvider(name)));
  return { parts: [...consumers], other: orders.every(isOn) ? orders[0] : undefined };
}

/** A provider is paused as well when a channel is that it carries. */
function providerSwitch(
  id: string,
  consumers: readonly Delivery[],
  isOn: (order: string) => boolean,
): Pick<Switch, 'parts' | 'other'> {
  const pairs = consumers.flatMap(({ channel, is_paused, providers }) =>
    providers.flatMap((one) =>
      pauseOfProvider(one.name) === id
        ? [{ order: pauseOfChannel(channel), part: { ...one, is_paused: one.is_paused || is_paused } }]
        : [],
    ),
  );
  return { parts: pairs.map(({ part }) => part), other: pairs.find(({ order }) => isOn(order))?.order };
}

/** Running, pausing while what has begun comes to its end, paused; draining while anything is on its way, drained. */
function stateOf(one: Switch, active: readonly Control[], toGo: number | undefined): object {
  const control = active.find(({ _id }) => _id === one.id);
  const inFlight = one.parts.reduce((sum, { in_flight }) => sum + in_flight, 0);
  return {
    state: one.isDrain ? drainState(control, toGo) : pauseState(one, active, inFlight),
    inFlight,
    processes: one.parts.length,
    control: control && switchedView(control),
  };
}

function drainState(control: Control | undefined, toGo: number | undefined): string {
  if (!control) return 'Accepting';
  if (toGo === 0) return 'Drained: nothing is on its way';
  return `Draining, ${toGo ?? 'some'} on their way`;
}

/** What the consumers say is some seconds old; what is ordered is of now. */
function pauseState({ id, parts, other }: Switch, active: readonly Control[], inFlight: number): string {
  const isPaused = parts.every(({ is_paused }) => is_paused);
  const isOrdered = active.some(({ _id }) => _id === id);
  if (isOrdered && isPaused && inFlight === 0) return 'Paused';
  if (isOrdered) return inFlight === 0 ? 'Pausing' : `Pausing, ${inFlight} in flight`;
  if (parts.length === 0) return 'No consumer runs';
  if (other !== undefined) return `${nameOf(other)}, and with it this`;
  return isPaused ? 'Resuming' : 'Running';
}

async function findSwitch({ presences, controls }: ProducerContext, request: Request): Promise<Switch> {
  const [running, active] = await Promise.all([presences.running(), controls.active()]);
  const one = switchesOf(running, active).find(({ id }) => id === request.params.id);
  if (!one) throw new Problem('not_found', { detail: 'There is nothing of that name to switch.' });
  return one;
}

function ask(
  response: Response,
  one: Switch,
  errors: FieldError[],
  values: Record<string, unknown>,
): Promise<void> {
  const question = one.isDrain ? 'Drain the fleet?' : `Pause ${one.inline}?`;
  return renderForm(response, 'switch', { title: `${question} · Tidings`, question, one, errors, values });
}
