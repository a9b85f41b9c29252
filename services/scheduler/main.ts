import { constants, setPriority } from 'node:os';
import { runService } from '../../shared/runtime/service.ts';
import { startScheduler } from './scheduler.ts';

// It sweeps and counts: where the CPU is scarce, whoever accepts and hands over goes first.
setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
await runService('scheduler', startScheduler);
