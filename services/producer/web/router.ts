import express, { Router } from 'express';
import { join } from 'node:path';
import { MAX_BODY_BYTES } from '../../../shared/contracts/index.ts';
import { Problem } from '../api/problem.ts';
import type { ProducerContext } from '../context.ts';
import { PROJECT_ROOT } from '../root.ts';
import { guardPages } from './guard.ts';
import { homePage, statsPage } from './home.ts';
import {
  cancelSubmit,
  notificationFragment,
  notificationPage,
  notificationStream,
  retrySubmit,
} from './notification.ts';
import { sendForm, sendSubmit } from './send.ts';

/** The pages. Everything here is behind the guard. */
export function webRouter(context: ProducerContext): Router {
  const router = Router();
  const guard = guardPages(context.config.HOST);
  const form = express.urlencoded({ extended: false, limit: MAX_BODY_BYTES });
  router.use('/assets', express.static(join(PROJECT_ROOT, 'views/assets'), { index: false }));
  router.route('/').get(guard, homePage(context)).all(only('GET, HEAD'));
  router
    .route('/send-notification')
    .get(guard, sendForm(context))
    .post(guard, form, sendSubmit(context))
    .all(only('GET, HEAD, POST'));
  router.get('/stats', guard, statsPage(context));
  router.route('/notifications/:id').get(guard, notificationPage(context)).all(only('GET, HEAD'));
  router.route('/notifications/:id/state').get(guard, notificationFragment(context)).all(only('GET, HEAD'));
  router.route('/notifications/:id/live').get(guard, notificationStream(context)).all(only('GET, HEAD'));
  router.route('/notifications/:id/retry').post(guard, retrySubmit(context)).all(only('POST'));
  router.route('/notifications/:id/cancel').post(guard, cancelSubmit(context)).all(only('POST'));
  return router;
}

function only(allow: string): express.RequestHandler {
  return () => {
    throw new Problem('method_not_allowed', { detail: `Use ${allow}.`, headers: { allow } });
  };
}
