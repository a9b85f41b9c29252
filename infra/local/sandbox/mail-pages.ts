import { Router, type Request, type RequestHandler, type Response } from 'express';
import type { Mail, Mailbox } from './mailbox.ts';
import { fromOf, parseMail } from './read-mail.ts';
import { render, renderMissing } from './render.ts';

/** A mail may bring its own styles and pictures, and nothing else: no script, nothing remote. */
const MAIL_POLICY = [
  "default-src 'none'",
  "style-src 'unsafe-inline'",
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'self'",
  'sandbox',
].join('; ');

/** The tabs of a mail. */
const TABS = { text: 'Text', html: 'HTML', headers: 'Headers', source: 'Source' } as const;
/** Characters of the source that are shown; the rest is in the file. */
const SHOWN_SOURCE = 500_000;

/** A mail's pages: its views, its HTML by itself, its bytes and its attachments. */
export function mailPages(mailbox: Mailbox, surroundings: (mail: Mail) => object): Router {
  const router = Router();
  router.get(
    '/mail/:id',
    withMail(mailbox, (mail, request, response) => showMail(mail, request, response, surroundings(mail))),
  );
  router.get('/mail/:id/html', withMail(mailbox, sendHtml));
  router.get('/mail/:id/attachments/:index', withMail(mailbox, sendAttachment));
  router.get('/api/mails/:id/raw', withMail(mailbox, sendRaw));
  return router;
}

type ShowMail = (mail: Mail, request: Request, response: Response) => Promise<void> | void;

function withMail(mailbox: Mailbox, show: ShowMail): RequestHandler {
  return async function findMail(request, response) {
    const item = mailbox.find(String(request.params.id));
    if (item?.kind === 'mail') await show(item, request, response);
    else await renderMissing(response);
  };
}

async function showMail(mail: Mail, request: Request, response: Response, more: object): Promise<void> {
  const parsed = await parseMail(mail.raw);
  const first = parsed.text === undefined && parsed.html !== undefined ? 'html' : 'text';
  const asked = typeof request.query.view === 'string' ? request.query.view : '';
  const source = mail.raw.toString('utf8');
  await render(response, 'mail', {
    ...more,
    mail,
    parsed,
    from: fromOf(parsed),
    tabs: Object.entries(TABS),
    view: Object.hasOwn(TABS, asked) ? asked : parsed.problem === undefined ? first : 'source',
    source: source.slice(0, SHOWN_SOURCE),
    isCut: source.length > SHOWN_SOURCE,
    unsubscribe: parsed.headers.find(({ key }) => key === 'list-unsubscribe')?.value,
  });
}

async function sendHtml(mail: Mail, _request: Request, response: Response): Promise<void> {
  const { html = '' } = await parseMail(mail.raw);
  response.set({ 'content-security-policy': MAIL_POLICY, 'cache-control': 'no-store' });
  response.type('html').send(html);
}

function sendRaw(mail: Mail, _request: Request, response: Response): void {
  response.attachment(`${mail.id}.eml`).set('content-type', 'message/rfc822').send(mail.raw);
}

/** Always as a file to keep, never as something to open: what it is called and what it is need not agree. */
async function sendAttachment(mail: Mail, request: Request, response: Response): Promise<void> {
  const { attachments } = await parseMail(mail.raw);
  const attachment = attachments[Number(request.params.index)];
  if (!attachment) {
    await renderMissing(response);
    return;
  }
  response.attachment(attachment.filename ?? 'attachment').type('application/octet-stream');
  response.send(bytesOf(attachment.content));
}

function bytesOf(content: ArrayBuffer | Uint8Array | string): Buffer {
  if (typeof content === 'string') return Buffer.from(content);
  return content instanceof Uint8Array ? Buffer.from(content) : Buffer.from(new Uint8Array(content));
}
