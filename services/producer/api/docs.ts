import express, { Router } from 'express';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { asyncApi } from './asyncapi/document.ts';
import { openApiOf } from './openapi.ts';
import type { Operation } from './operation.ts';
import { PROJECT_ROOT } from '../../../shared/runtime/project-root.ts';

/** Swagger UI sets styles from script, so its page alone may do that; everything it loads is ours. */
const DOCS_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'";

/** Its folder, without importing it: that would run what is made for browsers, at 39 MiB. */
const SWAGGER_UI = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));

/** `/openapi.json`, and `/docs` to read and try it; `/asyncapi.json` for what comes and goes by messages. Open to everybody. `sandboxed`: the providers that the sandbox stands in for. */
export function docsRouter(operations: readonly Operation[], sandboxed: readonly string[] = []): Router {
  const router = Router();
  const document = JSON.stringify(openApiOf(operations));
  const messages = JSON.stringify(asyncApi());
  const page = readFileSync(join(PROJECT_ROOT, 'views/docs.html'), 'utf8').replace(
    '<!-- notice -->',
    noticeOf(sandboxed),
  );
  router.get('/openapi.json', (_request, response) => {
    response.type('application/json').send(document);
  });
  router.get('/asyncapi.json', (_request, response) => {
    response.type('application/json').send(messages);
  });
  router.get('/docs', (_request, response) => {
    response.set('content-security-policy', DOCS_POLICY).type('html').send(page);
  });
  router.use('/docs/assets', express.static(SWAGGER_UI, { index: false, maxAge: '1h' }));
  return router;
}

/** Says on the page, as on every other one, that the sandbox delivers. Names of providers are letters, digits and underscores. */
function noticeOf(sandboxed: readonly string[]): string {
  if (sandboxed.length === 0) return '';
  return `<p class="sandbox"><strong>Sandbox:</strong> what ${sandboxed.join(' and ')} would send reaches nobody.</p>`;
}
