import { schedule, type ScheduledTask, type TaskOptions } from 'node-cron';
import { Broker, ManagementApi, policyCheck } from '../../shared/broker/index.ts';
import { SECOND } from '../../shared/runtime/duration.ts';
import { toError } from '../../shared/runtime/errors.ts';
import { startHealthServer, type Check, type CheckResult } from '../../shared/runtime/health.ts';
import type { Logger } from '../../shared/runtime/logger.ts';
import type { Service, ServiceContext } from '../../shared/runtime/service.ts';
import { shutDown, shutdownMs } from '../../shared/runtime/shutdown.ts';
import {
  Books,
  BulkActs,
  EarlyFeedbacks,
  Erasures,
  Locks,
  Presences,
  Suppressions,
  TaskUpdates,
  announce,
  connectInBackground,
  notificationsOf,
  openStore,
} from '../../shared/store/index.ts';
import type { Job, JobContext } from './job.ts';
import { JOBS } from './jobs/index.ts';

/** A job that has not come through for so long, in milliseconds, makes the scheduler unready; a pass over a long queue takes a while. */
const STALLED_AFTER_MS = 60 * SECOND;

/** Starts the scheduler: its stores, its jobs and its probes. Any number of schedulers may run. */
export async function startScheduler(
  { config, log }: ServiceContext,
  jobs: readonly Job[] = JOBS,
): Promise<Service> {
  const store = openStore(config.MONGO_URI, 'scheduler');
  const connecting = connectInBackground(store, log);
  const broker = new Broker({
    url: config.RABBITMQ_URL,
    service: 'scheduler',
    delays: config.RETRY_DELAYS,
    log,
  });
  const context: JobContext = {
    broker,
    notifications: notificationsOf(store.db, log),
    store,
    locks: new Locks(store.db),
    books: new Books(store.db),
    acts: new BulkActs(store.db),
    erasures: new Erasures(store.db),
    suppressions: new Suppressions(store.db),
    earlyFeedback: new EarlyFeedbacks(store.db),
    taskUpdates: new TaskUpdates(store.db),
    config,
    log,
  };
  const runners = jobs.map((job) => new JobRunner(job, context));
  // The policies of the broker, which its management API is asked for, are looked at by whoever asks whether we are ready.
  const own = {
    mongodb: () => store.check(),
    rabbitmq: () => broker.check(),
    ...Object.fromEntries(runners.map((runner) => [`job ${runner.name}`, () => runner.check()])),
  };
  const health = await startHealthServer(
    { host: config.HOST, port: config.HEALTH_PORT },
    { ...own, ...policyAudit(config) },
  );
  broker.start();
  for (const runner of runners) runner.start();
  const presence = announce(
    new Presences(store.db),
    { service: 'scheduler', checks: own, tolerated: [] },
    log,
  );
  log.info('scheduling', { jobs: runners.map((runner) => runner.name), health_port: health.port });
  return {
    stop: () =>
      shutDown({ log, withinMs: shutdownMs(config.DRAIN_SECONDS) }, [
        {
          presence: () => presence.stop(),
          ...Object.fromEntries(runners.map((runner) => [`job ${runner.name}`, () => runner.stop()])),
        },
        { RabbitMQ: () => broker.stop() },
        {
          MongoDB: () => {
            connecting.abort();
            return store.stop();
          },
        },
        { probes: () => health.stop() },
      ]),
  };
}

/** The scheduler audits the broker's policies for the fleet: one look is enough. Off where no management address is configured. */
function policyAudit({
  RABBITMQ_MANAGEMENT_URL,
  RABBITMQ_URL,
}: ServiceContext['config']): Record<string, Check> {
  if (RABBITMQ_MANAGEMENT_URL === undefined) return {};
  return { policies: policyCheck(new ManagementApi(RABBITMQ_MANAGEMENT_URL, RABBITMQ_URL)) };
}

/** A pass that takes longer than its interval is nothing to warn about: the next one waits. `check` tells of one that never ends. */
function quiet(log: Logger): NonNullable<TaskOptions['logger']> {
  const debug = (message: string | Error): void => {
    log.debug(String(message));
  };
  return { info: debug, warn: debug, error: debug, debug };
}

/** Runs one job by its cron expression, never twice at once in this process, and remembers when it last came through. */
class JobRunner {
  readonly name: string;
  readonly #job: Job;
  readonly #context: JobContext;
  #task: ScheduledTask | undefined;
  #running: Promise<void> = Promise.resolve();
  #lastSuccessAt = Date.now();
  #failing = false;
  #settledAt = 0;

  constructor(job: Job, context: JobContext) {
    this.name = job.name;
    this.#job = job;
    this.#context = context;
  }

  start(): void {
    const options = { name: this.name, noOverlap: true, logger: quiet(this.#context.log) };
    this.#task = schedule(this.#job.cron, () => (this.#running = this.#run()), options);
  }

  /** Ends the schedule, and waits for a pass that is under way. */
  async stop(): Promise<void> {
    await this.#task?.destroy();
    await this.#running;
  }

  check(): CheckResult {
    const ms = Date.now() - this.#lastSuccessAt;
    return ms < STALLED_AFTER_MS ? { ok: true } : { ok: false, detail: `has not come through for ${ms} ms` };
  }

  /** Whether MongoDB has been back for long enough. */
  async #isSettled(): Promise<boolean> {
    const { settleMs = 0 } = this.#job;
    if (settleMs === 0) return true;
    if (this.#settledAt === Infinity) {
      const { ok } = await this.#context.store.check();
      if (ok) this.#settledAt = Date.now() + settleMs;
    }
    return Date.now() >= this.#settledAt;
  }

  async #run(): Promise<void> {
    const { log } = this.#context;
    try {
      if (!(await this.#isSettled())) return;
      const done = await this.#job.run(this.#context);
      if (done > 0) log.info(`job ${this.name}`, { done });
      this.#lastSuccessAt = Date.now();
      this.#failing = false;
    } catch (thrown) {
      this.#settledAt = Infinity;
      // Once per trouble, not once per second.
      if (!this.#failing) log.warn(`job ${this.name} failed; trying on`, { error: toError(thrown) });
      this.#failing = true;
    }
  }
}
