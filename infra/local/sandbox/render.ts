import ejs from 'ejs';
import type { Response } from 'express';
import { join } from 'node:path';
import { PROJECT_ROOT } from '../../../shared/runtime/project-root.ts';

/** Where the sandbox's views and assets are. */
export const VIEWS = join(PROJECT_ROOT, 'views', 'sandbox');

/** Answers with a page. */
export async function render(response: Response, view: string, data: object): Promise<void> {
  const html = await ejs.renderFile(join(VIEWS, `${view}.ejs`), data, { cache: true, rmWhitespace: true });
  response.set('cache-control', 'no-store').type('html').send(html);
}

/** Answers 404 with a page. */
export async function renderMissing(response: Response): Promise<void> {
  response.status(404);
  await render(response, 'missing', {});
}
