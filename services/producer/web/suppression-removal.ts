import type { RequestHandler, Response } from 'express';
import { z } from 'zod';
import {
  fieldErrors,
  suppressionFilterSchema,
  suppressionRemovalSchema,
  suppressionViewOf,
  type FieldError,
  type SuppressionFilter,
} from '../../../shared/contracts/index.ts';
import { Problem } from '../api/problem.ts';
import type { ProducerContext } from '../context.ts';
import { removeSuppressions } from '../suppressions.ts';
import { formOf } from './forms.ts';
import { actorOf } from './identity.ts';
import { givenFields, renderForm } from './pages.ts';
import { instantOf } from './presentation.ts';

/** The fields of a filter, as they stand in an address. `words` is a part of the provider's words, for a form has a `reason` of its own. */
export const FILTER_FIELDS = ['channel', 'code', 'provider', 'words', 'from', 'to'] as const;
/** A filter as an address or a form brings it. */
export type AskedFilter = Partial<Record<(typeof FILTER_FIELDS)[number], string>>;

/** Examples of what a removal would reach. */
const SAMPLES = 5;
/** From so many on, their number is typed before they are removed. */
const TYPED_FROM = 100;

/** Puts the filter of an address into the words of the API. */
export function filterOf({ words, from, to, ...asked }: AskedFilter): Record<string, string | undefined> {
  return {
    ...asked,
    ...(words !== undefined && { reason: words }),
    ...(from !== undefined && { from: instantOf(from) }),
    ...(to !== undefined && { to: instantOf(to) }),
  };
}

/** Says what a removal would reach before it is done: a dry run with a number and examples. */
export function removalPage(context: ProducerContext): RequestHandler {
  return async function showRemoval(request, response) {
    const asked = givenFields(request.query, FILTER_FIELDS);
    if (request.query.all !== 'yes' && Object.keys(asked).length === 0)
      throw new Problem('validation_failed', {
        detail: 'Say which suppressions are meant; all of them are all=yes.',
      });
    // A suppression that is added from now on is not meant.
    const until = { ...asked, to: asked.to ?? new Date().toISOString() };
    await showRemovalOf(context, response, { asked: until, errors: [], values: {} });
  };
}

const orderSchema = z.object({
  reason: suppressionRemovalSchema.shape.reason,
  expected: z.coerce.number(),
  typed: z.string().optional(),
});

/** Removes them. Sent twice, the second time finds nothing to remove. */
export function removalSubmit(context: ProducerContext): RequestHandler {
  return async function removeMatching(request, response) {
    const form = formOf(request);
    const asked = givenFields(form, FILTER_FIELDS);
    const parsed = orderSchema.safeParse(form);
    const errors = parsed.success ? countErrors(parsed.data) : fieldErrors(parsed.error);
    if (!parsed.success || errors.length > 0 || asked.to === undefined) {
      await showRemovalOf(context, response, { asked, errors, values: form });
      return;
    }
    const { reason } = parsed.data;
    await removeSuppressions(context, { filter: parse(asked), reason, actor: actorOf(response) });
    response.redirect(303, '/suppressions');
  };
}

function countErrors({ expected, typed }: z.output<typeof orderSchema>): FieldError[] {
  if (expected < TYPED_FROM || Number(typed) === expected) return [];
  return [{ field: 'typed', message: `must be ${expected}, the number of suppressions` }];
}

/** @throws Problem: a filter that is misspelt would mean more than was said. */
function parse(asked: AskedFilter): SuppressionFilter {
  const parsed = suppressionFilterSchema.safeParse(filterOf(asked));
  if (parsed.success) return parsed.data;
  const words = fieldErrors(parsed.error).map(({ field, message }) => `${field} ${message}`);
  throw new Problem('validation_failed', { detail: words.join('; ') });
}

async function showRemovalOf(
  { suppressions }: ProducerContext,
  response: Response,
  { asked, ...plan }: { asked: AskedFilter; errors: FieldError[]; values: Record<string, unknown> },
): Promise<void> {
  const filter = parse(asked);
  const [count, samples] = await Promise.all([
    suppressions.countRemovable(filter),
    suppressions.list({ ...filter, limit: SAMPLES }),
  ]);
  const question = `Remove ${count.toLocaleString('en')} ${count === 1 ? 'suppression' : 'suppressions'}?`;
  await renderForm(response, 'suppressions-remove', {
    ...plan,
    title: `${question} · Tidings`,
    question,
    count,
    asked,
    instants: filterOf(asked),
    isTyped: count >= TYPED_FROM,
    suppressions: samples.suppressions.map(suppressionViewOf),
  });
}
