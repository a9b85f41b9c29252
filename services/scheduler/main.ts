import { runService } from '../../shared/runtime/service.ts';
import { startScheduler } from './scheduler.ts';

await runService('scheduler', startScheduler);
