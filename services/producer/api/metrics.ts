import { Router } from 'express';
import { Gauge, Registry, collectDefaultMetrics } from 'prom-client';
import { SECOND } from '../../../shared/runtime/duration.ts';
import type { ProducerContext } from '../context.ts';
import { STREAM_KINDS } from '../realtime/streams.ts';
import { collectStats } from '../stats/collect.ts';
import { requireIdentity } from './authentication.ts';
import { onlyGet, requireScope } from './operation.ts';

/** `/metrics` for Prometheus: the figures of /stats, and this process. Needs the scope read. No label names a person. */
export function metricsRouter(context: ProducerContext): Router {
  const router = Router();
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  removeMisnamed(registry);
  const update = figures(registry);
  const listening = new Gauge({
    name: 'tidings_open_streams',
    help: 'Streams of updates that this producer has open',
    labelNames: ['by'],
    registers: [registry],
  });
  router
    .route('/metrics')
    .all(onlyGet)
    .get(requireIdentity(context.gate), requireScope(['read']), async (_request, response) => {
      update(await collectStats(context));
      listening.set({ by: 'page' }, context.live.count);
      for (const by of STREAM_KINDS) listening.set({ by }, context.tasks.listening.streams.count(by));
      response.set({ 'content-type': registry.contentType, 'cache-control': 'no-store' });
      response.send(await registry.metrics());
    });
  return router;
}

/** Removes gauges that are called like counters, which Prometheus' conventions reserve `_total` for: each is the sum of another gauge over `type`. */
function removeMisnamed(registry: Registry): void {
  const isMisnamed = (name: string): boolean =>
    name.endsWith('_total') && registry.getSingleMetric(name) instanceof Gauge;
  for (const { name } of registry.getMetricsAsArray())
    if (isMisnamed(name)) registry.removeSingleMetric(name);
}

type Stats = Awaited<ReturnType<typeof collectStats>>;

/** Declares the figures; answers what sets them. */
function figures(register: Registry): (stats: Stats) => void {
  const gauge = <L extends string>(name: string, help: string, labelNames: readonly L[] = []) =>
    new Gauge({ name: `tidings_${name}`, help, labelNames, registers: [register] });
  const notifications = gauge('notifications', 'Notifications in the store', ['type', 'status']);
  const age = gauge(
    'counts_age_seconds',
    'Age of the counts of notifications; it grows while no scheduler keeps them',
  );
  const unpublished = gauge('unpublished', 'Stored, and not yet confirmed by RabbitMQ');
  const quarantined = gauge(
    'quarantined',
    'Records that MongoDB refuses to write and that wait for a person',
  );
  const ambiguous = gauge('ambiguous_attempts', 'Attempts whose outcome is unknown');
  const queued = gauge('queue_messages', 'Messages that are ready in a queue', ['queue']);
  const oldest = gauge('queue_oldest_seconds', 'Age of the oldest of what a queue stands for', ['queue']);
  const open = gauge('provider_breaker_open', '1 while the provider counts as down', ['provider', 'channel']);
  const failingOver = gauge('provider_failing_over', '1 while another provider carries what is its', [
    'provider',
    'channel',
  ]);
  return (stats) => {
    for (const one of [notifications, queued, oldest, open, failingOver]) one.reset();
    for (const [type, counts] of Object.entries(stats.by_type))
      for (const [status, count] of Object.entries(counts)) notifications.set({ type, status }, count);
    age.set(Math.max(0, (Date.now() - Date.parse(stats.as_of)) / SECOND));
    unpublished.set(stats.unpublished);
    quarantined.set(stats.quarantined);
    ambiguous.set(stats.ambiguous.attempts);
    for (const { name: queue, ready, oldest_age_seconds: oldestAge } of stats.queues) {
      if (ready !== null) queued.set({ queue }, ready);
      if (oldestAge !== null) oldest.set({ queue }, oldestAge);
    }
    for (const { name: provider, channel, breaker, failing_over_since: since } of stats.providers) {
      open.set({ provider, channel }, breaker === 'open' ? 1 : 0);
      failingOver.set({ provider, channel }, since === null ? 0 : 1);
    }
  };
}
