/** A scheduler that never publishes what stayed unpublished: a run with it must be reported as a loss. */
import { runService } from '../../../shared/runtime/service.ts';
import { JOBS } from '../../../services/scheduler/jobs/index.ts';
import { startScheduler } from '../../../services/scheduler/scheduler.ts';

await runService('scheduler', (context) =>
  startScheduler(
    context,
    JOBS.filter(({ name }) => name !== 'relay'),
  ),
);
