import { z } from 'zod';
import { STATUSES } from './states.ts';

/** What goes out after each bulk of state changes: which records, and nothing about people. It only wakes listeners: what they show comes from the store. */
export const eventSchema = z.object({
  changes: z.array(z.object({ id: z.string(), status: z.enum(STATUSES) })),
});

/** A bulk of state changes. */
export type StateChanges = z.output<typeof eventSchema>;
