import type { RequestListener } from 'node:http';
import express, { Router, type Express, type RequestHandler } from 'express';
import helmet from 'helmet';
import type { Config } from '../../shared/runtime/config.ts';
import { sharedReadiness } from '../../shared/runtime/health.ts';
import { proxyTest } from './access/address.ts';
import { countAddress, requireIdentity } from './api/authentication.ts';
import { authOperations } from './api/auth.ts';
import { auditOperation } from './api/audit.ts';
import { batchOperations } from './api/batch.ts';
import { callbackOperations } from './api/callbacks.ts';
import { controlOperations } from './api/controls.ts';
import { deadLetterOperations } from './api/dead-letters.ts';
import { docsRouter } from './api/docs.ts';
import { keyOperations } from './api/keys.ts';
import { readQuery } from './api/form-body.ts';
import { hotPath } from './api/hot-path.ts';
import { metricsRouter } from './api/metrics.ts';
import { notificationOperations } from './api/notifications.ts';
import { onlyGet, serve, type Operation } from './api/operation.ts';
import { Problem, problemHandler, wantsPage } from './api/problem.ts';
import { statsOperation } from './api/stats.ts';
import { quarantineOperations } from './api/quarantine.ts';
import { quickOperations } from './api/quick.ts';
import { steeringOperations } from './api/steering.ts';
import { privacyOperations } from './api/privacy.ts';
import { suppressionOperations } from './api/suppressions.ts';
import { taskUpdateOperation, tasksRouter } from './api/task-updates.ts';
import { userOperations } from './api/users.ts';
import type { ProducerContext } from './context.ts';
import { webRouter } from './web/router.ts';

/** What the producer does without: accepting goes on while RabbitMQ is away. */
export const TOLERATED = ['rabbitmq', 'requests', 'policies'];

/** Every call of the API. */
export function operationsOf(context: ProducerContext): Operation[] {
  return [
    // Before the addresses with an id, of which `batch` would be one.
    ...batchOperations(context),
    ...notificationOperations(context),
    ...steeringOperations(context),
    ...userOperations(context),
    ...deadLetterOperations(context),
    ...privacyOperations(context),
    ...callbackOperations(context),
    ...suppressionOperations(context),
    ...quarantineOperations(context),
    ...controlOperations(context),
    ...keyOperations(context),
    ...authOperations(context),
    ...quickOperations(context),
    auditOperation(context),
    statsOperation(context),
    taskUpdateOperation(context),
  ];
}

/** The producer's HTTP application: probes and documentation are open, the API needs the key, pages are guarded. */
export function createApp(context: ProducerContext): RequestListener {
  const operations = operationsOf(context);
  return hotPath(context, operations, frameworkApp(context, operations));
}

/** All of it that the web framework serves. */
export function frameworkApp(context: ProducerContext, operations: Operation[]): Express {
  const app = express();
  app.disable('x-powered-by').disable('etag').set('trust proxy', proxyTest(context.config.TRUSTED_PROXIES));
  app.set('query parser', (query: string | null) => readQuery(query ?? ''));
  app.use(context.draining.middleware);
  app.use('/v1', apiRouter(context, operations));
  app.use(tasksRouter(context, operations));
  app.use(securityHeaders(context.config));
  app.use(probes(context));
  app.use(quickRouter(context, operations));
  app.all('/stats', statsRouter(context, operations));
  app.use(metricsRouter(context));
  app.use(countAddress(context.gate));
  app.use(docsRouter(operations, context.config.SANDBOX_PROVIDERS));
  app.use(webRouter(context));
  app.use((request) => {
    throw new Problem('not_found', { detail: `There is no ${request.method} ${request.path}.` });
  });
  app.use(problemHandler(context.log));
  return app;
}

/** What is open to everybody first; whatever else there is, or is not, under this address is answered to those only who are let in. */
function apiRouter({ gate }: ProducerContext, operations: Operation[]): Router {
  const router = Router();
  const api = operations.filter(({ path }) => path.startsWith('/v1/'));
  const isOpen = ({ needs }: Operation): boolean => needs === 'nobody';
  serve(router, api.filter(isOpen), { under: '/v1', before: countAddress(gate) });
  router.use(requireIdentity(gate));
  serve(
    router,
    api.filter((one) => !isOpen(one)),
    { under: '/v1' },
  );
  return router;
}

/** What has no version in its address, because other programs know it by this one. */
function quickRouter({ gate }: ProducerContext, operations: Operation[]): Router {
  const router = Router();
  const quick = operations.filter(({ path }) => path.startsWith('/send-'));
  serve(router, quick, { before: requireIdentity(gate) });
  return router;
}

/** `/stats` is JSON for whoever has the key, and a page for a browser. */
function statsRouter({ gate }: ProducerContext, operations: Operation[]): RequestHandler {
  const router = Router();
  router.use(requireIdentity(gate));
  serve(
    router,
    operations.filter(({ path }) => path === '/stats'),
  );
  return (request, response, next) => {
    const isRead = request.method === 'GET' || request.method === 'HEAD';
    if (isRead && wantsPage(request)) next();
    else router(request, response, next);
  };
}

function probes(context: ProducerContext): Router {
  const router = Router();
  router.get('/healthz', (_request, response) => {
    response.json({ status: 'ok' });
  });
  const look = sharedReadiness(context.checks, TOLERATED);
  router.get('/readyz', async (_request, response) => {
    // At once: a load balancer must hear it before we stop listening, however slow the other checks are just now.
    const serving = context.draining.check();
    if (!serving.ok) {
      response.status(503).json({ status: 'unavailable', checks: { serving } });
      return;
    }
    const ready = await look();
    response.status(ready.status === 'unavailable' ? 503 : 200).json(ready);
  });
  for (const path of ['/healthz', '/readyz', '/docs', '/openapi.json', '/asyncapi.json'])
    router.all(path, onlyGet);
  return router;
}

function securityHeaders({ PUBLIC_URL }: Pick<Config, 'PUBLIC_URL'>): RequestHandler {
  return helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        scriptSrc: ["'self'"],
        styleSrc: ["'self'"],
        imgSrc: ["'self'"],
        connectSrc: ["'self'"],
        frameSrc: ["'self'"],
        formAction: ["'self'"],
        baseUri: ["'none'"],
        frameAncestors: ["'none'"],
      },
    },
    // Under http it would say nothing: browsers heed it under https only.
    strictTransportSecurity: PUBLIC_URL?.startsWith('https:') === true,
    // The frame of a mail has an origin of its own anyway, and browsers warn where only some pages ask for this.
    originAgentCluster: false,
    // Without any referrer, browsers send `Origin: null` with a form of our own, and it could not be told from a foreign one.
    referrerPolicy: { policy: 'same-origin' },
  });
}
