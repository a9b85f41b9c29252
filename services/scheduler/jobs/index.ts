import type { Job } from '../job.ts';
import { bookkeeper } from './bookkeeper.ts';
import { deadLetterKeeper } from './dead-letter-keeper.ts';
import { due } from './due.ts';
import { erasuresJob } from './erasures.ts';
import { expiry } from './expiry.ts';
import { feedback } from './feedback.ts';
import { leases } from './leases.ts';
import { lostHints } from './lost-hints.ts';
import { relay } from './relay.ts';
import { retention } from './retention.ts';
import { taskUpdates } from './task-updates.ts';

/** Every job of the scheduler. */
export const JOBS: readonly Job[] = [
  due,
  relay,
  leases,
  lostHints,
  expiry,
  deadLetterKeeper,
  bookkeeper,
  retention,
  erasuresJob,
  feedback,
  taskUpdates,
];
