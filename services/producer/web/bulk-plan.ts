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
} from '../../../shared/contracts/index.ts';
import { newId } from '../../../shared/runtime/ids.ts';
import { SEARCH_WITHIN_MS, countDeadLetters, listDeadLetters } from '../../../shared/store/index.ts';
import { Problem } from '../api/problem.ts';
import type { ProducerContext } from '../context.ts';
import { VERBS } from './bulk-act.ts';
import { actorOf } from './identity.ts';
import { formOf } from './forms.ts';
import { givenFields, renderForm } from './pages.ts';

type Kind = BulkAct['kind'];

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
    const form = formOf(request);
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
