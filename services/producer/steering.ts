import {
  cancelNotification,
  resolveNotification,
  retryNotification,
  type Operated,
} from '../../shared/store/index.ts';
import type { ProducerContext } from './context.ts';

/** Sends one again by hand, and publishes it. `actor` is who ordered it, for the timeline. */
export async function retry(
  { notifications, acceptor }: ProducerContext,
  id: string,
  actor: string,
): Promise<Operated> {
  const operated = await retryNotification(notifications, id, { actor, reason: 'manual retry' });
  if (operated.outcome === 'done') acceptor.publish([operated.record]);
  return operated;
}

/** Takes one back that has not begun to be sent. */
export function cancel(
  { notifications, config }: ProducerContext,
  id: string,
  actor: string,
): Promise<Operated> {
  return cancelNotification(notifications, id, { actor, reason: 'canceled' }, config.RETENTION_DAYS);
}

/** Records what a person found out about an unknown outcome. */
export function resolve(
  { notifications, config }: ProducerContext,
  id: string,
  outcome: 'sent' | 'failed',
  actor: string,
): Promise<Operated> {
  const change = { actor, reason: `resolved as ${outcome}` };
  return resolveNotification(notifications, id, outcome, { change, retentionDays: config.RETENTION_DAYS });
}
