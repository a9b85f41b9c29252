/** A scheduler that looks for nothing that was lost: neither for messages nor for leases. */
import { runService } from '../../../shared/runtime/service.ts';
import { JOBS } from '../../../services/scheduler/jobs/index.ts';
import { startScheduler } from '../../../services/scheduler/scheduler.ts';

await runService('scheduler', (context) =>
  startScheduler(
    context,
    JOBS.filter(({ name }) => name !== 'leases' && name !== 'lost hints'),
  ),
);
