import {
  ACCEPTING,
  CHANNEL_NAMES,
  pauseOfChannel,
  pauseOfProvider,
  type Control,
  type ControlState,
  type ControlView,
  type PauseRequest,
  type Presence,
} from '../../shared/contracts/index.ts';
import { MINUTE } from '../../shared/runtime/duration.ts';
import { totalOf } from '../../shared/store/index.ts';
import type { ProducerContext } from './context.ts';

/** What a consumer reports about its channel. */
type Delivery = NonNullable<Presence['delivery']>;

/** Something that can be paused, with what consumers report about it. */
interface Target {
  id: string;
  /** One for each consumer. */
  parts: { is_paused: boolean; in_flight: number; concurrency_limit?: number }[];
  /** Another control with the same effect, while that is paused. */
  pausedBy?: string | undefined;
}

/** What became of a request to pause or resume. */
export type Controlled =
  | { outcome: 'done'; view: ControlView }
  | { outcome: 'missing' }
  /** It was not paused. */
  | { outcome: 'conflict'; view: ControlView };

/** Lists everything that can be paused: channels, providers, and accepting. The pages and the API show this. */
export async function listControls(context: ProducerContext): Promise<ControlView[]> {
  const [running, active, counts] = await Promise.all([
    context.presences.running(),
    context.controls.active(),
    context.books.read(),
  ]);
  const undelivered = counts && totalOf(counts.counts, ['pending', 'sending']);
  return targetsOf(running, active).map((target) => viewOf(target, active, undelivered));
}

/** One of them; undefined when there is none with this id. */
export async function findControl(context: ProducerContext, id: string): Promise<ControlView | undefined> {
  return (await listControls(context)).find((view) => view.id === id);
}

/** Pauses something, or changes the reason and the end of its pause. `actor`: who does it, for the audit. */
export async function pauseControl(
  context: ProducerContext,
  id: string,
  { reason, minutes, actor }: PauseRequest & { actor: string },
): Promise<Controlled> {
  if (!(await findControl(context, id))) return { outcome: 'missing' };
  const since = new Date();
  const until = minutes === undefined ? undefined : new Date(since.getTime() + minutes * MINUTE);
  await context.controls.set({ _id: id, by: actor, reason, since, ...(until && { until }) });
  const detail = minutes === undefined ? reason : `for ${minutes} min: ${reason}`;
  await context.audit.note({ actor, act: 'switched_on', subject: id, detail });
  return doneOr(await findControl(context, id));
}

/** Resumes something that is paused. */
export async function resumeControl(
  context: ProducerContext,
  id: string,
  { actor }: { actor: string },
): Promise<Controlled> {
  const before = await findControl(context, id);
  if (!before) return { outcome: 'missing' };
  if (!(await context.controls.clear(id))) return { outcome: 'conflict', view: before };
  await context.audit.note({ actor, act: 'switched_off', subject: id });
  // A provider that no consumer uses is listed only while it is paused.
  const after = await findControl(context, id);
  return doneOr(after ?? { id, state: 'no_consumer', in_flight: 0, processes: 0 });
}

function doneOr(view: ControlView | undefined): Controlled {
  return view ? { outcome: 'done', view } : { outcome: 'missing' };
}

function targetsOf(running: readonly Presence[], active: readonly Control[]): Target[] {
  const consumers = running.flatMap(({ delivery }) => delivery ?? []);
  const isOn = (id: string): boolean => active.some(({ _id }) => _id === id);
  // A provider that no consumer uses now can still be paused.
  const ids = [
    ...consumers.flatMap(({ providers }) => providers.map(({ name }) => pauseOfProvider(name))),
    ...active.map(({ _id }) => _id),
  ];
  const ofProviders = [...new Set(ids.filter((id) => id.startsWith(pauseOfProvider(''))))].sort();
  return [
    ...CHANNEL_NAMES.map((type) => ({
      id: pauseOfChannel(type),
      ...channelParts(
        consumers.filter(({ channel }) => channel === type),
        isOn,
      ),
    })),
    ...ofProviders.map((id) => ({ id, ...providerParts(id, consumers, isOn) })),
    { id: ACCEPTING, parts: consumers },
  ];
}

/** A channel is paused as well while all of its providers are. */
function channelParts(
  consumers: readonly Delivery[],
  isOn: (id: string) => boolean,
): Pick<Target, 'parts' | 'pausedBy'> {
  const ids = consumers.flatMap(({ providers }) => providers.map(({ name }) => pauseOfProvider(name)));
  return { parts: [...consumers], pausedBy: ids.every(isOn) ? ids[0] : undefined };
}

/** A provider is paused as well while the channel that it delivers is. */
function providerParts(
  id: string,
  consumers: readonly Delivery[],
  isOn: (id: string) => boolean,
): Pick<Target, 'parts' | 'pausedBy'> {
  const pairs = consumers.flatMap(({ channel, is_paused, providers }) =>
    providers.flatMap((one) =>
      pauseOfProvider(one.name) === id
        ? [{ ofChannel: pauseOfChannel(channel), part: { ...one, is_paused: one.is_paused || is_paused } }]
        : [],
    ),
  );
  return {
    parts: pairs.map(({ part }) => part),
    pausedBy: pairs.find(({ ofChannel }) => isOn(ofChannel))?.ofChannel,
  };
}

function viewOf(target: Target, active: readonly Control[], undelivered: number | undefined): ControlView {
  const { id, parts, pausedBy } = target;
  const control = active.find(({ _id }) => _id === id);
  const inFlight = parts.reduce((sum, { in_flight }) => sum + in_flight, 0);
  const limits = parts.flatMap(({ concurrency_limit }) => concurrency_limit ?? []);
  return {
    id,
    state: id === ACCEPTING ? drainState(control, undelivered) : pauseState(target, control, inFlight),
    in_flight: inFlight,
    processes: parts.length,
    ...(limits.length > 0 && { concurrency_limit: Math.min(...limits) }),
    ...(id === ACCEPTING && undelivered !== undefined && { undelivered }),
    ...(!control && pausedBy !== undefined && { paused_by: pausedBy }),
    ...(control && { by: control.by, reason: control.reason, since: control.since.toISOString() }),
    ...(control?.until && { until: control.until.toISOString() }),
  };
}

function drainState(control: Control | undefined, undelivered: number | undefined): ControlState {
  if (!control) return 'accepting';
  return undelivered === 0 ? 'drained' : 'draining';
}

/** What consumers report is some seconds old; what an operator paused is of now. */
function pauseState(
  { parts, pausedBy }: Target,
  control: Control | undefined,
  inFlight: number,
): ControlState {
  const isPaused = parts.every(({ is_paused }) => is_paused) && inFlight === 0;
  if (control) return isPaused ? 'paused' : 'pausing';
  if (parts.length === 0) return 'no_consumer';
  if (pausedBy !== undefined) return isPaused ? 'paused' : 'pausing';
  return parts.every(({ is_paused }) => is_paused) ? 'resuming' : 'running';
}
