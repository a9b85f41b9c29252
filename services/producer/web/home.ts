import type { Request, Response } from 'express';
import { listQuerySchema, viewOf } from '../../../shared/contracts/index.ts';
import { readiness } from '../../../shared/runtime/health.ts';
import { listNotifications } from '../../../shared/store/index.ts';
import { collectStats } from '../api/stats.ts';
import type { ProducerContext } from '../context.ts';
import { render } from './pages.ts';

/** The start page: is it healthy, what happened last, and the ways on. */
export function homePage(context: ProducerContext) {
  return async function showHome(_request: Request, response: Response): Promise<void> {
    const [health, latest] = await Promise.all([
      readiness(context.checks),
      listNotifications(context.notifications, listQuerySchema.parse({ limit: 10 })),
    ]);
    await render(response, 'home', {
      title: 'Tidings',
      checks: Object.entries(health.checks),
      notifications: latest.records.map(viewOf),
    });
  };
}

/** The figures for people, under the address where machines get them as JSON. */
export function statsPage(context: ProducerContext) {
  return async function showStats(_request: Request, response: Response): Promise<void> {
    await render(response, 'stats', { title: 'Stats · Tidings', stats: await collectStats(context) });
  };
}
