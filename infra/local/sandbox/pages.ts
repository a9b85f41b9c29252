import ejs from 'ejs';
import express, { Router, type Request, type RequestHandler, type Response } from 'express';
import { join } from 'node:path';
import PostalMime, { type Email } from 'postal-mime';
import { MAGIC_MAILBOXES, MAGIC_NUMBERS } from './magic-recipients.ts';
import type { Mail, Mailbox, Text } from './mailbox.ts';

/** Views are in the project's folder, where `npm start` runs. */
const VIEWS = join(process.cwd(), 'views');

const PAGE_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
/** A mail may bring its own styles, and nothing else: no script, no remote picture. */
const MAIL_POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'; sandbox";

/** The mailbox as pages, and as JSON for tests and the curious. On loopback only. */
export function mailboxPages(mailbox: Mailbox): Router {
  const router = Router();
  router.use(guard());
  router.use('/assets', express.static(join(VIEWS, 'assets'), { index: false }));
  router.get('/', async (_request, response) => {
    const items = await Promise.all(mailbox.all().slice(0, 100).map(summaryOf));
    await render(response, 'mailbox', { items, mailboxes: MAGIC_MAILBOXES, numbers: MAGIC_NUMBERS });
  });
  router.get('/live', (_request, response) => {
    stream(mailbox, response);
  });
  router.get(
    '/mails/:id',
    withMail(mailbox, async (mail, request, response) => {
      const view = typeof request.query.view === 'string' ? request.query.view : 'text';
      const parsed = await PostalMime.parse(mail.raw);
      await render(response, 'mail', {
        mail,
        parsed,
        view,
        source: mail.raw.toString('utf8'),
        size: mail.raw.length,
      });
    }),
  );
  router.get(
    '/mails/:id/html',
    withMail(mailbox, async (mail, _request, response) => {
      const { html } = await PostalMime.parse(mail.raw);
      response
        .set('content-security-policy', MAIL_POLICY)
        .type('html')
        .send(html ?? '');
    }),
  );
  router.get(
    '/mails/:id/raw',
    withMail(mailbox, (mail, _request, response) => {
      response.type('message/rfc822').send(mail.raw);
    }),
  );
  router.get('/mails/:id/attachments/:index', withMail(mailbox, sendAttachment));
  router.get('/api/messages', async (_request, response) => {
    response.json({ messages: await Promise.all(mailbox.all().map(summaryOf)) });
  });
  router.delete('/api/messages', (_request, response) => {
    mailbox.clear();
    response.status(204).end();
  });
  router.post('/clear', (_request, response) => {
    mailbox.clear();
    response.redirect(303, '/');
  });
  return router;
}

/** Only this machine may look, by a name of its own, and only our own pages may change something. */
function guard(): RequestHandler {
  return function guardMailbox(request, response, next) {
    const { host = '', origin } = request.headers;
    const isOwnName = /^(localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d+)?$/i.test(host);
    const isForeign = origin !== undefined && origin !== `http://${host}`;
    response.set({
      'content-security-policy': PAGE_POLICY,
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
    });
    if (isOwnName && !isForeign) next();
    else response.status(403).type('text').send('The mailbox is for this machine only.\n');
  };
}

async function render(response: Response, view: string, data: object): Promise<void> {
  const html = await ejs.renderFile(join(VIEWS, 'sandbox', `${view}.ejs`), data, {
    cache: true,
    rmWhitespace: true,
  });
  response.set('cache-control', 'no-store').type('html').send(html);
}

interface Summary {
  kind: 'mail' | 'text';
  id: string;
  received_at: Date;
  from: string;
  to: string;
  subject: string;
  snippet: string;
  size: number;
}

/** One line of the list. */
async function summaryOf(item: Mail | Text): Promise<Summary> {
  const { kind, id, received_at } = item;
  if (item.kind === 'text')
    return {
      kind,
      id,
      received_at,
      from: item.from,
      to: item.to,
      subject: '',
      snippet: item.body.slice(0, 140),
      size: item.body.length,
    };
  const parsed: Email = await PostalMime.parse(item.raw);
  return {
    ...{ kind, id, received_at, from: item.envelope.from, to: item.envelope.to.join(', ') },
    ...{ subject: parsed.subject ?? '', snippet: (parsed.text ?? '').slice(0, 140), size: item.raw.length },
  };
}

type ShowMail = (mail: Mail, request: Request, response: Response) => Promise<void> | void;

function withMail(mailbox: Mailbox, show: ShowMail): RequestHandler {
  return async function showMail(request, response) {
    const item = mailbox.find(String(request.params.id));
    if (item?.kind === 'mail') await show(item, request, response);
    else
      response.status(404).type('text').send('There is no such mail; the mailbox keeps the newest 1 000.\n');
  };
}

async function sendAttachment(mail: Mail, request: Request, response: Response): Promise<void> {
  const { attachments } = await PostalMime.parse(mail.raw);
  const attachment = attachments[Number(request.params.index)];
  if (!attachment) {
    response.status(404).type('text').send('There is no such attachment.\n');
    return;
  }
  const { content, filename } = attachment;
  const bytes = typeof content === 'string' ? content : Buffer.from(content as ArrayBuffer);
  response
    .attachment(filename ?? 'attachment')
    .type('application/octet-stream')
    .send(bytes);
}

/** Tells open pages that something arrived; they fetch the list again. */
function stream(mailbox: Mailbox, response: Response): void {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  response.write('retry: 2000\n\n');
  const tell = (): void => {
    response.write('event: changed\ndata: \n\n');
  };
  mailbox.on('arrived', tell).on('cleared', tell);
  response.once('close', () => {
    mailbox.off('arrived', tell).off('cleared', tell);
  });
}
