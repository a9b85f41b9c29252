import type { Request, RequestHandler } from 'express';
import {
  SUPPRESSIBLE,
  fieldErrors,
  suppressionQuerySchema,
  suppressionViewOf,
  type Suppression,
} from '../../../shared/contracts/index.ts';
import { Problem } from '../api/problem.ts';
import type { ProducerContext } from '../context.ts';
import { liftSuppression } from '../suppressions.ts';
import { withQuery } from './addresses.ts';
import { actorOf } from './identity.ts';
import { givenFields, render, renderForm } from './pages.ts';
import { FILTER_FIELDS, filterOf } from './suppression-removal.ts';

/** The filter's fields, as they stand in the address. */
const FIELDS = [...FILTER_FIELDS, 'address', 'cursor'] as const;
type Asked = Partial<Record<(typeof FIELDS)[number], string>>;

/** The addresses that nothing is handed over to. */
export function suppressionsPage({ suppressions }: ProducerContext): RequestHandler {
  return async function showSuppressions(request, response) {
    const asked: Asked = givenFields(request.query, FIELDS);
    const { address, cursor, ...which } = asked;
    const parsed = suppressionQuerySchema.safeParse({ ...filterOf(which), address, cursor });
    const page = parsed.success
      ? await suppressions.list(parsed.data)
      : { suppressions: [], nextCursor: null };
    await renderForm(response, 'suppressions', {
      title: 'Suppressions · Tidings',
      asked,
      channels: SUPPRESSIBLE,
      suppressions: page.suppressions.map(suppressionViewOf),
      nextCursor: page.nextCursor,
      errors: parsed.success ? [] : fieldErrors(parsed.error),
      isFiltered: Object.keys(asked).some((field) => field !== 'cursor'),
      removal: withQuery('/suppressions/remove', Object.keys(which).length > 0 ? which : { all: 'yes' }),
      addressWith: (change: Asked) => withQuery('/suppressions', { ...asked, cursor: '', ...change }),
    });
  };
}

/** Asks before one is lifted. */
export function liftPage(context: ProducerContext): RequestHandler {
  return async function askAboutLift(request, response) {
    const suppression = suppressionViewOf(await find(context, request));
    await render(response, 'lift', { title: 'Lift this suppression? · Tidings', suppression });
  };
}

/** Lifts it. */
export function liftSubmit(context: ProducerContext): RequestHandler {
  return async function lift(request, response) {
    // Sent twice, the second one finds nothing to lift, and that is what was wanted.
    await liftSuppression(context, String(request.params.id), actorOf(response));
    response.redirect(303, '/suppressions');
  };
}

async function find({ suppressions }: ProducerContext, { params }: Request): Promise<Suppression> {
  const found = await suppressions.get(String(params.id));
  if (!found) throw new Problem('not_found', { detail: 'This address is not suppressed, or not any more.' });
  return found;
}
