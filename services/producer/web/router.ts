import express, { Router, type RequestHandler } from 'express';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { BULK_KINDS, MAX_BODY_BYTES, type Role } from '../../../shared/contracts/index.ts';
import { FORM } from '../api/body.ts';
import { Problem, wantsPage } from '../api/problem.ts';
import type { ProducerContext } from '../context.ts';
import { PROJECT_ROOT } from '../../../shared/runtime/project-root.ts';
import { accountPage, passwordSubmit } from './account.ts';
import {
  ACCOUNT_ACTS,
  accountActSubmit,
  accountLinkSubmit,
  accountSubmit,
  accountsPage,
} from './accounts.ts';
import { auditPage } from './audit.ts';
import { abortSubmit, actFragment, actPage } from './bulk-act.ts';
import { planPage, planSubmit } from './bulk-plan.ts';
import { controlsFragment, controlsPage, pausePage, pauseSubmit, resumeSubmit } from './controls.ts';
import { deadLettersPage } from './dead-letters.ts';
import { guardPages } from './guard.ts';
import { homePage } from './home.ts';
import { keyRevokeSubmit, keyRotateSubmit, keySubmit, keysPage } from './keys.ts';
import { identify, requireRole } from './identity.ts';
import {
  notificationFragment,
  notificationHtml,
  notificationPage,
  notificationStream,
} from './notification.ts';
import { notificationsPage } from './notifications.ts';
import { surroundings } from './pages.ts';
import { QUARANTINE_ACTIONS } from '../quarantine.ts';
import { quarantinePage, quarantineSubmit } from './quarantine.ts';
import { signInForm, signInLinkPage, signInLinkSubmit, signInSubmit, signOut } from './sign-in.ts';
import { ACTS, actSubmit, confirmPage, type ActName } from './steering.ts';
import { statsFragment, statsPage, statsSeries } from './stats.ts';
import { removalPage, removalSubmit } from './suppression-removal.ts';
import { liftPage, liftSubmit, suppressionsPage } from './suppressions.ts';
import { sendForm, sendPreview, sendSubmit } from './send.ts';
import { themeSubmit } from './theme.ts';

/** The charts' library, as its package brings it. */
const UPLOT = dirname(createRequire(import.meta.url).resolve('uplot'));

/** An address of the pages: who may open it, and what answers. */
export interface PageRoute {
  path: string;
  /** `nobody`: whoever is not signed in, too. */
  needs: Role | 'nobody';
  get?: RequestHandler;
  post?: RequestHandler;
  /** Other methods of the same address are somebody else's. */
  isShared?: true;
}

/** Every page: the one place that says who may open it. */
export function pageRoutes(context: ProducerContext): PageRoute[] {
  return [
    { path: '/sign-in', needs: 'nobody', get: signInForm(), post: signInSubmit(context) },
    { path: '/sign-in/link', needs: 'nobody', get: signInLinkPage(context), post: signInLinkSubmit(context) },
    { path: '/sign-out', needs: 'nobody', post: signOut(context) },
    { path: '/theme', needs: 'nobody', post: themeSubmit() },
    { path: '/account', needs: 'viewer', get: accountPage(), post: passwordSubmit(context) },
    ...accountRoutes(context),
    { path: '/', needs: 'viewer', get: homePage(context) },
    { path: '/stats', needs: 'viewer', get: statsPage(context), isShared: true },
    { path: '/stats/state', needs: 'viewer', get: statsFragment(context) },
    { path: '/stats/series', needs: 'viewer', get: statsSeries(context) },
    { path: '/send-notification', needs: 'operator', get: sendForm(context), post: sendSubmit(context) },
    { path: '/controls', needs: 'viewer', get: controlsPage(context) },
    { path: '/controls/state', needs: 'viewer', get: controlsFragment(context) },
    { path: '/controls/:id', needs: 'operator', get: pausePage(context), post: pauseSubmit(context) },
    { path: '/controls/:id/resume', needs: 'operator', post: resumeSubmit(context) },
    { path: '/send-notification/preview', needs: 'operator', post: sendPreview(context) },
    ...notificationRoutes(context),
    ...deadLetterRoutes(context),
    { path: '/suppressions', needs: 'viewer', get: suppressionsPage(context) },
    {
      path: '/suppressions/remove',
      needs: 'operator',
      get: removalPage(context),
      post: removalSubmit(context),
    },
    { path: '/suppressions/:id/lift', needs: 'operator', get: liftPage(context), post: liftSubmit(context) },
    ...quarantineRoutes(context),
    { path: '/audit', needs: 'admin', get: auditPage(context) },
    { path: '/keys', needs: 'admin', get: keysPage(context), post: keySubmit(context) },
    { path: '/keys/:id/rotate', needs: 'admin', post: keyRotateSubmit(context) },
    { path: '/keys/:id/revoke', needs: 'admin', post: keyRevokeSubmit(context) },
  ];
}

function accountRoutes(context: ProducerContext): PageRoute[] {
  const acts = Object.keys(ACCOUNT_ACTS) as (keyof typeof ACCOUNT_ACTS)[];
  return [
    { path: '/accounts', needs: 'admin', get: accountsPage(context), post: accountSubmit(context) },
    { path: '/accounts/:name/link', needs: 'admin', post: accountLinkSubmit(context) },
    ...acts.map((act) => ({
      path: `/accounts/:name/${act}`,
      needs: 'admin' as const,
      post: accountActSubmit(context, act),
    })),
  ];
}

function notificationRoutes(context: ProducerContext): PageRoute[] {
  return [
    { path: '/notifications', needs: 'viewer', get: notificationsPage(context) },
    { path: '/notifications/:id', needs: 'viewer', get: notificationPage(context) },
    { path: '/notifications/:id/state', needs: 'viewer', get: notificationFragment(context) },
    { path: '/notifications/:id/live', needs: 'viewer', get: notificationStream(context) },
    { path: '/notifications/:id/html', needs: 'viewer', get: notificationHtml(context) },
    ...(Object.keys(ACTS) as ActName[]).map((name) => ({
      path: `/notifications/:id/${name}`,
      needs: 'operator' as const,
      get: confirmPage(context, name),
      post: actSubmit(context, name),
    })),
  ];
}

function quarantineRoutes(context: ProducerContext): PageRoute[] {
  return [
    { path: '/quarantine', needs: 'viewer', get: quarantinePage(context) },
    ...QUARANTINE_ACTIONS.map((action) => ({
      path: `/quarantine/:id/${action}`,
      needs: 'operator' as const,
      post: quarantineSubmit(context, action),
    })),
  ];
}

function deadLetterRoutes(context: ProducerContext): PageRoute[] {
  return [
    { path: '/dead-letters', needs: 'viewer', get: deadLettersPage(context) },
    ...BULK_KINDS.map((kind) => ({
      path: `/dead-letters/${kind}`,
      needs: 'operator' as const,
      get: planPage(context, kind),
      post: planSubmit(context, kind),
    })),
    { path: '/dead-letters/acts/:id', needs: 'viewer', get: actPage(context) },
    { path: '/dead-letters/acts/:id/state', needs: 'viewer', get: actFragment(context) },
    { path: '/dead-letters/acts/:id/abort', needs: 'operator', post: abortSubmit(context) },
  ];
}

/** The pages, each behind the guard and the role that it needs. */
export function webRouter(context: ProducerContext): Router {
  const router = Router();
  const guard = guardPages(context.config);
  const form = [express.raw({ type: [...FORM.types], limit: MAX_BODY_BYTES }), readForm];
  router.use('/assets', express.static(join(PROJECT_ROOT, 'views/assets'), { index: false }));
  router.use('/assets/uplot', express.static(UPLOT, { index: false, maxAge: '1h' }));
  router.use(surroundings(context));
  for (const { path, needs, get, post, isShared } of pageRoutes(context)) {
    const route = router.route(path);
    const doors = [guard, identify(context), ...(needs === 'nobody' ? [] : [requireRole(needs)])];
    if (get) route.get(doors, get);
    if (post) route.post(doors, form, post);
    if (!isShared) route.all(only([...(get ? ['GET', 'HEAD'] : []), ...(post ? ['POST'] : [])].join(', ')));
  }
  router.use(identifyForPage(context));
  return router;
}

/** Reads a form where one came; `formOf` has its fields. */
const readForm: RequestHandler = (request, _response, next) => {
  const bytes: unknown = request.body;
  if (Buffer.isBuffer(bytes)) request.body = FORM.read(bytes).value;
  next();
};

/** What is not there is said on a page like the others, with the ways on for who is signed in. */
function identifyForPage(context: ProducerContext): RequestHandler {
  const find = identify(context);
  return async function findForPage(request, response, next) {
    if (wantsPage(request)) await find(request, response, next);
    else next();
  };
}

function only(allow: string): RequestHandler {
  return () => {
    throw new Problem('method_not_allowed', { detail: `Use ${allow}.`, headers: { allow } });
  };
}
