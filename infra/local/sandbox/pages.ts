import express, { Router, type RequestHandler } from 'express';
import { join } from 'node:path';
import { faultSwitches, shownSwitches } from './fault-switches.ts';
import type { Switches } from './faults.ts';
import { guardOrigin } from './guard.ts';
import { liveStream } from './live.ts';
import { mailPages } from './mail-pages.ts';
import { MAGIC_MAILBOXES, MAGIC_NUMBERS, MAGIC_SENDERS } from './magic-recipients.ts';
import type { Mail, Mailbox, Text } from './mailbox.ts';
import { render, renderMissing, VIEWS } from './render.ts';
import { summaryOf } from './summary.ts';

/** Messages on one page of the list. */
const PAGE_SIZE = 50;

const PAGE_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "frame-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** The mailbox as pages, and as JSON for tests and the curious. */
export function mailboxPages(mailbox: Mailbox, switches: Switches): Router {
  const router = Router();
  router.use(setPolicies, guardOrigin);
  // Its own, and the style sheet that it shares with the producer's pages.
  router.use('/assets', express.static(join(VIEWS, 'assets'), { index: false }));
  router.use('/assets', express.static(join(VIEWS, '../assets'), { index: false, fallthrough: false }));
  router.get('/', showList(mailbox, switches));
  router.use(faultSwitches(switches));
  router.get('/live', liveStream(mailbox));
  router.post('/clear', (_request, response) => {
    mailbox.clear();
    response.redirect(303, '/');
  });
  router.get('/sms/:id', async (request, response) => {
    const text = mailbox.find(request.params.id);
    if (text?.kind === 'text')
      await render(response, 'sms', { text, ...neighbours(mailbox, text), path: pathOf });
    else await renderMissing(response);
  });
  router.use(mailPages(mailbox, (mail) => ({ ...neighbours(mailbox, mail), path: pathOf })));
  router.get('/api/messages', async (_request, response) => {
    response.set('cache-control', 'no-store');
    response.json({ messages: await Promise.all(mailbox.all().map(summaryOf)) });
  });
  router.delete('/api/messages', (_request, response) => {
    mailbox.clear();
    response.status(204).end();
  });
  router.use((_request, response) => renderMissing(response));
  return router;
}

const setPolicies: RequestHandler = (_request, response, next) => {
  response.set({
    'content-security-policy': PAGE_POLICY,
    'cross-origin-resource-policy': 'same-origin',
    'cross-origin-opener-policy': 'same-origin',
    // With no-referrer, browsers would send `Origin: null` with our own forms.
    'referrer-policy': 'same-origin',
    'x-content-type-options': 'nosniff',
  });
  next();
};

/** The list, newest first; `?before=<id>` goes on below a message, so that arrivals do not move what is read. */
function showList(mailbox: Mailbox, switches: Switches): RequestHandler {
  return async function list(request, response) {
    const { before } = request.query;
    const all = mailbox.all();
    const start = typeof before === 'string' ? all.findIndex(({ id }) => id === before) + 1 : 0;
    const shown = all.slice(start, start + PAGE_SIZE);
    await render(response, 'messages', {
      items: await Promise.all(shown.map(summaryOf)),
      total: all.length,
      isFirstPage: start === 0,
      older: start + PAGE_SIZE < all.length ? shown.at(-1)?.id : undefined,
      path: pathOf,
      switches: shownSwitches(switches),
      ...{ mailboxes: MAGIC_MAILBOXES, numbers: MAGIC_NUMBERS, senders: MAGIC_SENDERS },
    });
  };
}

/** The messages before and after one, for links. */
function neighbours(mailbox: Mailbox, item: Mail | Text): { newer?: Mail | Text; older?: Mail | Text } {
  const all = mailbox.all();
  const index = all.indexOf(item);
  const [newer, older] = [all[index - 1], all[index + 1]];
  return { ...(newer && { newer }), ...(older && { older }) };
}

function pathOf({ kind, id }: Pick<Mail | Text, 'kind' | 'id'>): string {
  return `/${kind === 'mail' ? 'mail' : 'sms'}/${id}`;
}
