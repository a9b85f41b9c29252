import {
  cancelNotification,
  resolveNotification,
  retryNotification,
  type Operated,
} from '../../shared/store/index.ts';
import type { AuditAct } from '../../shared/contracts/index.ts';
import type { ProducerContext } from './context.ts';

/** Who orders something: for the timeline, and whose notifications it may be done to. */
export interface Steerer {
  actor: string;
  /** Only what this one has submitted; without it, everybody's. */
  caller?: string;
}

/** Sends one again by hand, and publishes it. */
export async function retry(
  { notifications, acceptor, audit }: ProducerContext,
  id: string,
  { actor, ...reach }: Steerer,
): Promise<Operated> {
  const retrying = retryNotification(notifications, id, { actor, reason: 'manual retry', ...reach });
  const operated = await audited(audit, 'notification_retried', { id, actor }, retrying);
  if (operated.outcome === 'done') acceptor.publish([operated.record]);
  return operated;
}

/** Takes one back that has not begun to be sent. */
export function cancel(
  { notifications, audit, config }: Pick<ProducerContext, 'notifications' | 'audit' | 'config'>,
  id: string,
  { actor, ...reach }: Steerer,
): Promise<Operated> {
  const change = { actor, reason: 'canceled', ...reach };
  const canceling = cancelNotification(notifications, id, change, config.RETENTION_DAYS);
  return audited(audit, 'notification_canceled', { id, actor }, canceling);
}

/** Records what a person found out about an unknown outcome. */
export function resolve(
  { notifications, audit, config }: ProducerContext,
  id: string,
  outcome: 'sent' | 'failed',
  { actor, ...reach }: Steerer,
): Promise<Operated> {
  const reason = `resolved as ${outcome}`;
  const options = { change: { actor, reason, ...reach }, retentionDays: config.RETENTION_DAYS };
  const resolving = resolveNotification(notifications, id, outcome, options);
  return audited(audit, 'notification_resolved', { id, actor, detail: reason }, resolving);
}

/** Notes it where it was done; what was refused is no deed. */
async function audited(
  audit: ProducerContext['audit'],
  act: AuditAct,
  { id, ...more }: { id: string; actor: string; detail?: string },
  operating: Promise<Operated>,
): Promise<Operated> {
  const operated = await operating;
  if (operated.outcome === 'done') await audit.note({ act, subject: `notification:${id}`, ...more });
  return operated;
}
