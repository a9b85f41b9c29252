import type { Request, Response } from 'express';
import { detailOf, type NotificationDetail } from '../../../shared/contracts/index.ts';
import {
  cancelNotification,
  getNotification,
  retryNotification,
  type Operated,
} from '../../../shared/store/index.ts';
import { Problem } from '../api/problem.ts';
import type { ProducerContext } from '../context.ts';
import { linksOf } from './home.ts';
import { render } from './pages.ts';
import { actionsOf, lookOf, recipientOf } from './presentation.ts';
import { WEB } from './send.ts';

/** One notification with its timeline, which the page keeps up to date by itself. */
export function notificationPage(context: ProducerContext) {
  return async function showNotification(request: Request, response: Response): Promise<void> {
    const notification = await find(context, request);
    const data = {
      notification,
      lookOf,
      recipientOf,
      actions: actionsOf(notification),
      links: linksOf(context),
    };
    await render(response, 'notification', {
      title: `${lookOf(notification.status).words} · Tidings`,
      ...data,
    });
  };
}

/** The part of the page that changes, for the page's script. */
export function notificationFragment(context: ProducerContext) {
  return async function showFragment(request: Request, response: Response): Promise<void> {
    const notification = await find(context, request);
    await render(response, 'partials/notification-state', {
      notification,
      lookOf,
      actions: actionsOf(notification),
    });
  };
}

/** The stream that says when to fetch that part. */
export function notificationStream(context: ProducerContext) {
  return async function streamNotification(request: Request, response: Response): Promise<void> {
    const { id } = await find(context, request);
    context.live.watch(id, request, response);
  };
}

/** The button that sends again by hand. */
export function retrySubmit(context: ProducerContext) {
  return async function retryFromPage(request: Request, response: Response): Promise<void> {
    const id = String(request.params.id);
    const operated = await retryNotification(context.notifications, id, {
      actor: WEB,
      reason: 'manual retry',
    });
    if (operated.outcome === 'done') context.acceptor.publish([operated.record]);
    back(operated, id, response);
  };
}

/** The button that takes back. */
export function cancelSubmit(context: ProducerContext) {
  return async function cancelFromPage(request: Request, response: Response): Promise<void> {
    const id = String(request.params.id);
    const change = { actor: WEB, reason: 'canceled' };
    const operated = await cancelNotification(
      context.notifications,
      id,
      change,
      context.config.RETENTION_DAYS,
    );
    back(operated, id, response);
  };
}

/** Back to the page, which shows what it is by now; somebody else may have been quicker. */
function back(operated: Operated, id: string, response: Response): void {
  if (operated.outcome === 'missing')
    throw new Problem('not_found', { detail: 'There is no such notification.' });
  response.redirect(303, `/notifications/${id}`);
}

async function find({ notifications }: ProducerContext, request: Request): Promise<NotificationDetail> {
  const record = await getNotification(notifications, String(request.params.id));
  if (!record) throw new Problem('not_found', { detail: 'There is no such notification.' });
  return detailOf(record);
}
