import express, { Router } from 'express';
import { join } from 'node:path';
import { BULK_KINDS, MAX_BODY_BYTES } from '../../../shared/contracts/index.ts';
import { Problem } from '../api/problem.ts';
import type { ProducerContext } from '../context.ts';
import { PROJECT_ROOT } from '../root.ts';
import { guardPages } from './guard.ts';
import { abortSubmit, actFragment, actPage, planPage, planSubmit } from './bulk-acts.ts';
import { deadLettersPage } from './dead-letters.ts';
import { homePage, statsPage } from './home.ts';
import {
  notificationFragment,
  notificationHtml,
  notificationPage,
  notificationStream,
} from './notification.ts';
import { notificationsPage } from './notifications.ts';
import { surroundings } from './pages.ts';
import { ACTS, actSubmit, confirmPage, type ActName } from './steering.ts';
import { sendForm, sendSubmit } from './send.ts';

/** The pages. Everything here is behind the guard. */
export function webRouter(context: ProducerContext): Router {
  const router = Router();
  const guard = guardPages(context.config.HOST);
  const form = express.urlencoded({ extended: false, limit: MAX_BODY_BYTES });
  router.use('/assets', express.static(join(PROJECT_ROOT, 'views/assets'), { index: false }));
  router.use(surroundings(context));
  router.route('/').get(guard, homePage(context)).all(only('GET, HEAD'));
  router
    .route('/send-notification')
    .get(guard, sendForm())
    .post(guard, form, sendSubmit(context))
    .all(only('GET, HEAD, POST'));
  router.get('/stats', guard, statsPage(context));
  router.route('/notifications').get(guard, notificationsPage(context)).all(only('GET, HEAD'));
  router.route('/notifications/:id').get(guard, notificationPage(context)).all(only('GET, HEAD'));
  router.route('/notifications/:id/state').get(guard, notificationFragment(context)).all(only('GET, HEAD'));
  router.route('/notifications/:id/live').get(guard, notificationStream(context)).all(only('GET, HEAD'));
  router.route('/notifications/:id/html').get(guard, notificationHtml(context)).all(only('GET, HEAD'));
  for (const name of Object.keys(ACTS) as ActName[])
    router
      .route(`/notifications/:id/${name}`)
      .get(guard, confirmPage(context, name))
      .post(guard, form, actSubmit(context, name))
      .all(only('GET, HEAD, POST'));
  router.route('/dead-letters').get(guard, deadLettersPage(context)).all(only('GET, HEAD'));
  for (const kind of BULK_KINDS)
    router
      .route(`/dead-letters/${kind}`)
      .get(guard, planPage(context, kind))
      .post(guard, form, planSubmit(context, kind))
      .all(only('GET, HEAD, POST'));
  router.route('/dead-letters/acts/:id').get(guard, actPage(context)).all(only('GET, HEAD'));
  router.route('/dead-letters/acts/:id/state').get(guard, actFragment(context)).all(only('GET, HEAD'));
  router.route('/dead-letters/acts/:id/abort').post(guard, abortSubmit(context)).all(only('POST'));
  return router;
}

function only(allow: string): express.RequestHandler {
  return () => {
    throw new Problem('method_not_allowed', { detail: `Use ${allow}.`, headers: { allow } });
  };
}
