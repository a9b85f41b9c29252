import type { Request, RequestHandler, Response } from 'express';
import { z } from 'zod';
import {
  deadLetterFilterSchema,
  discardRequestSchema,
  fieldErrors,
  redriveRequestSchema,
  viewOf,
  type BulkAct,
  type DeadLetterFilter,
  type FieldError,
  type Status,
} from '../../../shared/contracts/index.ts';
import { SECOND } from '../../../shared/runtime/duration.ts';
import { newId } from '../../../shared/runtime/ids.ts';
import {
  SEARCH_WITHIN_MS,
  countDeadLetters,
  countRedriven,
  listDeadLetters,
  sumOver,
} from '../../../shared/store/index.ts';
import { Problem } from '../api/problem.ts';
import type { ProducerContext } from '../context.ts';
import { actorOf } from './identity.ts';
import { givenFields, render, renderForm } from './pages.ts';

type Kind = BulkAct['kind'];

const VERBS: Record<Kind, string> = { redrive: 'Redrive', discard: 'Discard' };
const FIELDS = ['type', 'code', 'provider', 'user_id', 'before'] as const;
/** Examples of what an act would reach. */
const SAMPLES = 5;
/** From so many on, their number is typed before it is done. */
const TYPED_FROM = 100;

/** What the form of a plan brings. */
const orderSchema = z.object({
  id: z.uuid(),
  reason: discardRequestSchema.shape.reason,
  rate: z
    .string()
    .transform((text) => (text.trim() === '' ? undefined : Number(text)))
    .pipe(redriveRequestSchema.shape.rate),
  expected: z.coerce.number(),
  typed: z.string().optional(),
});

/** Says what an act on many would reach, before it is done: a dry run with a number, examples and the literal filter. */
export function planPage(context: ProducerContext, kind: Kind): RequestHandler {
  return async function showPlan(request, response) {
    const filter = askedFilter(request.query);
    await showPlanOf(context, response, { kind, filter, id: newId(), errors: [], values: {} });
  };
}

/** Begins it, and leads to its own page. Twice under one id begins one. */
export function planSubmit(context: ProducerContext, kind: Kind): RequestHandler {
  return async function beginAct(request, response) {
    const form = (request.body ?? {}) as Record<string, unknown>;
    const filter = orderedFilter(form);
    const parsed = orderSchema.safeParse({ rate: '', ...form });
    const errors = parsed.success ? countErrors(parsed.data) : fieldErrors(parsed.error);
    if (!parsed.success || errors.length > 0) {
      const id = typeof form.id === 'string' ? form.id : newId();
      await showPlanOf(context, response, { kind, filter, id, errors, values: form });
      return;
    }
    const { id, reason, rate } = parsed.data;
    await context.bulk.begin({ id, kind, actor: actorOf(response), reason, filter, rate });
    response.redirect(303, `/dead-letters/acts/${id}`);
  };
}

function countErrors({ expected, typed }: z.output<typeof orderSchema>): FieldError[] {
  if (expected < TYPED_FROM || Number(typed) === expected) return [];
  return [{ field: 'typed', message: `must be ${expected}, the number of dead letters` }];
}

interface Plan {
  kind: Kind;
  filter: DeadLetterFilter;
  id: string;
  errors: FieldError[];
  values: Record<string, unknown>;
}

async function showPlanOf({ notifications }: ProducerContext, response: Response, plan: Plan): Promise<void> {
  // What dies from now on is not meant.
  const filter = { ...plan.filter, before: plan.filter.before ?? new Date() };
  const [count, samples] = await Promise.all([
    countDeadLetters(notifications, filter, SEARCH_WITHIN_MS),
    listDeadLetters(notifications, { ...filter, limit: SAMPLES }),
  ]);
  const verb = VERBS[plan.kind];
  const question = `${verb} ${count.toLocaleString('en')} dead ${count === 1 ? 'letter' : 'letters'}?`;
  const page = {
    ...plan,
    title: `${question} · Tidings`,
    question,
    verb,
    count,
    filter,
    isTyped: count >= TYPED_FROM,
    notifications: samples.records.map(viewOf),
  };
  await renderForm(response, 'bulk-plan', page);
}

/** How far an act has come. */
export function actPage(context: ProducerContext): RequestHandler {
  return async function showAct(request, response) {
    const act = await find(context, request);
    const title = `${VERBS[act.kind]} ${act.outcome ?? 'under way'} · Tidings`;
    await render(response, 'bulk-act', { title, ...(await progressOf(context, act)) });
  };
}

/** The part of that page that changes. */
export function actFragment(context: ProducerContext): RequestHandler {
  return async function showActFragment(request, response) {
    await render(
      response,
      'partials/bulk-act-state',
      await progressOf(context, await find(context, request)),
    );
  };
}

/** Stops it after its next step. */
export function abortSubmit(context: ProducerContext): RequestHandler {
  return async function abortAct(request, response) {
    const act = await find(context, request);
    await context.acts.wantAbort(act._id);
    response.redirect(303, `/dead-letters/acts/${act._id}`);
  };
}

/** States in which a redriven one is still on its way. */
const MOVING: readonly Status[] = ['pending', 'sending', 'held', 'failed', 'scheduled'];

async function progressOf({ books, notifications }: ProducerContext, act: BulkAct): Promise<object> {
  // From the books, for this is asked every two seconds.
  const [balance, became] = await Promise.all([books.read(), countRedriven(notifications, act._id)]);
  const moving = MOVING.reduce((sum, status) => sum + (became[status] ?? 0), 0);
  const settled = act.kind === 'discard' ? act.changed : act.changed - moving;
  return {
    act: bulkActView(act),
    became: Object.entries(became),
    moving,
    settled: Math.max(0, settled),
    isFinal: act.outcome !== undefined && moving === 0,
    deadNow: balance && (sumOver(balance.counts).failed_permanently ?? 0),
  };
}

async function find({ acts }: ProducerContext, request: Request): Promise<BulkAct> {
  const act = await acts.get(String(request.params.id));
  if (!act) throw new Problem('not_found', { detail: 'There is no such redrive or discard.' });
  return act;
}

/** An act as the pages show it. */
export function bulkActView({ _id: id, started_at, ended_at, ...act }: BulkAct): object {
  const { ids, ...filter } = act.filter;
  const lastDue =
    act.rate === undefined ? undefined : new Date(started_at.getTime() + (act.matched * SECOND) / act.rate);
  return {
    ...act,
    id,
    verb: VERBS[act.kind],
    filter: JSON.stringify({ ...filter, ...(Array.isArray(ids) && { ids: `${ids.length} chosen` }) }),
    last_due: lastDue?.toISOString(),
    started_at: started_at.toISOString(),
    ended_at: ended_at?.toISOString(),
  };
}

/** What the address of a plan may hold: a filter, the ids of those that were chosen, or that all are meant. */
const addressSchema = deadLetterFilterSchema.extend({
  ids: z.preprocess(
    (ids) => (ids === undefined ? undefined : [ids].flat()),
    deadLetterFilterSchema.shape.ids,
  ),
  chosen: z.literal('yes').optional(),
  all: z.literal('yes').optional(),
});

/**
 * The filter of a plan's address. Nothing is guessed: a filter that is misspelt, or of which nothing is left, would mean all of them.
 * @throws Problem
 */
function askedFilter(query: Request['query']): DeadLetterFilter {
  const given = Object.fromEntries(Object.entries(query).filter(([, value]) => value !== ''));
  const parsed = addressSchema.safeParse(given);
  if (!parsed.success) throw unusable(parsed.error);
  const { chosen, all, ...filter } = parsed.data;
  if (chosen && !filter.ids) throw refused('Choose at least one dead letter first.');
  if (!all && Object.keys(filter).length === 0)
    throw refused('Say which dead letters are meant; all of them are all=yes.');
  return filter;
}

/** The filter that a plan's form brings back; it always has a cut-off. @throws Problem */
function orderedFilter(form: Record<string, unknown>): DeadLetterFilter {
  const ids = form.ids === undefined ? {} : { ids: [form.ids].flat() };
  const parsed = deadLetterFilterSchema
    .required({ before: true })
    .safeParse({ ...givenFields(form, FIELDS), ...ids });
  if (!parsed.success) throw unusable(parsed.error);
  return parsed.data;
}

function unusable(error: z.ZodError): Problem {
  return refused(
    fieldErrors(error)
      .map(({ field, message }) => `${field} ${message}`)
      .join('; '),
  );
}

function refused(detail: string): Problem {
  return new Problem('validation_failed', { detail });
}
