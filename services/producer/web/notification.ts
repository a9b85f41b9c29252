import type { Request, Response } from 'express';
import {
  MOVING,
  TIMELINE_KEEPS,
  detailOf,
  type Notification,
  type Status,
} from '../../../shared/contracts/index.ts';
import { Problem } from '../api/problem.ts';
import type { ProducerContext } from '../context.ts';
import { quarantineViewOf } from '../quarantine.ts';
import { findNotification, render } from './pages.ts';
import { lookOf } from './presentation.ts';
import { ACTS, actsFor } from './steering.ts';

/** One notification with its timeline, which the page keeps up to date by itself. */
export function notificationPage(context: ProducerContext) {
  return async function showNotification(request: Request, response: Response): Promise<void> {
    const record = await findNotification(context, request);
    const title = `${lookOf(record.status).words}: ${record.subject ?? 'notification'} · Tidings`;
    await render(response, 'notification', { title, ...(await shown(context, record)) });
  };
}

/** The part of the page that changes, for the page's script. */
export function notificationFragment(context: ProducerContext) {
  return async function showFragment(request: Request, response: Response): Promise<void> {
    const record = await findNotification(context, request);
    await render(response, 'partials/notification-state', await shown(context, record));
  };
}

/** The stream that says when to fetch that part. */
export function notificationStream(context: ProducerContext) {
  return async function streamNotification(request: Request, response: Response): Promise<void> {
    const { _id } = await findNotification(context, request);
    context.live.watch(_id, response);
  };
}

/** What a mail's HTML may do in its frame: look like itself. No script, no form, nothing from elsewhere. */
export const MAIL_POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox; frame-ancestors 'self'";

/** The HTML of a mail as its person may see it, for a frame on the page; with a policy of its own. */
export function notificationHtml(context: ProducerContext) {
  return async function showHtml(request: Request, response: Response): Promise<void> {
    const { html } = await findNotification(context, request);
    if (html === undefined) throw new Problem('not_found', { detail: 'This notification has no HTML.' });
    response.set({ 'content-security-policy': MAIL_POLICY, 'cache-control': 'no-store' });
    response.type('html').send(html);
  };
}

async function shown({ notifications }: ProducerContext, record: Notification): Promise<object> {
  const entry = await notifications.quarantine.get(record._id);
  const acts = actsFor(record.status).map((name) => ({ name, words: ACTS[name].button }));
  return {
    notification: detailOf(record),
    quarantined: entry && quarantineViewOf(entry),
    acts,
    timelineFirst: TIMELINE_KEEPS.first,
    isFinal: !(MOVING as readonly Status[]).includes(record.status),
  };
}
