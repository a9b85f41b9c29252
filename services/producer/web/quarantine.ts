import type { RequestHandler } from 'express';
import type { ProducerContext } from '../context.ts';
import { quarantineViewOf, releaseQuarantined, type QuarantineAction } from '../quarantine.ts';
import { actorOf } from './identity.ts';
import { render } from './pages.ts';

/** The records that MongoDB refuses to write. */
export function quarantinePage({ notifications }: ProducerContext): RequestHandler {
  return async function showQuarantine(_request, response) {
    const entries = await notifications.quarantine.list();
    await render(response, 'quarantine', {
      title: 'Quarantine · Tidings',
      entries: entries.map(quarantineViewOf),
    });
  };
}

/** Retries or discards one, and leads back to its notification. */
export function quarantineSubmit(context: ProducerContext, action: QuarantineAction): RequestHandler {
  return async function release(request, response) {
    const id = String(request.params.id);
    await releaseQuarantined(context, action, { id, actor: actorOf(response) });
    // Sent twice, the second one finds nothing to do, and that is what was wanted.
    response.redirect(303, `/notifications/${encodeURIComponent(id)}`);
  };
}
