import type { Request, RequestHandler } from 'express';
import { MOVING, type BulkAct } from '../../../shared/contracts/index.ts';
import { SECOND } from '../../../shared/runtime/duration.ts';
import { countRedriven, sumOver } from '../../../shared/store/index.ts';
import { Problem } from '../api/problem.ts';
import type { ProducerContext } from '../context.ts';
import { actorOf } from './identity.ts';
import { render } from './pages.ts';

/** The acts in words. */
export const VERBS: Record<BulkAct['kind'], string> = { redrive: 'Redrive', discard: 'Discard' };

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
    if (await context.acts.wantAbort(act._id))
      await context.audit.note({
        actor: actorOf(response),
        act: 'bulk_act_aborted',
        subject: `dead_letters:${act._id}`,
      });
    response.redirect(303, `/dead-letters/acts/${act._id}`);
  };
}

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
