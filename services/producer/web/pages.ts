import ejs from 'ejs';
import type { Response } from 'express';
import { join } from 'node:path';
import { PROJECT_ROOT } from '../root.ts';

const VIEWS = join(PROJECT_ROOT, 'views');

/** Renders a page, or a part of one, from `views/`. Data is escaped there; templates come from the repository only. */
export async function render(response: Response, view: string, data: object, status = 200): Promise<void> {
  const html = await ejs.renderFile(join(VIEWS, `${view}.ejs`), data, { cache: true, rmWhitespace: true });
  response.status(status).set('cache-control', 'no-store').type('html').send(html);
}
