import { z } from 'zod';
import { CHANNEL_NAMES, LANES } from './channels.ts';
import { STATUSES } from './states.ts';

/** What MongoDB was asked to write when it refused. */
export const QUARANTINE_OPERATIONS = ['claim', 'send', 'record', 'sweep', 'operate'] as const;

/**
 * A record that MongoDB refuses to write, such as one above 16 MB or one that a validator rejects. The note is kept apart, because the record
 * itself cannot be marked. Claims and sweeps pass over the record until a person retries or discards it.
 */
export const quarantineViewSchema = z
  .object({
    id: z.string().describe('Of the notification'),
    type: z.enum(CHANNEL_NAMES),
    lane: z.enum(LANES),
    status: z.enum(STATUSES).describe('Of the record, which could not be changed'),
    since: z.iso.datetime(),
    operation: z.enum(QUARANTINE_OPERATIONS).describe('What was to be written'),
    code: z.string().describe("MongoDB's error code, such as 121 (DocumentValidationFailure)"),
    reason: z.string().describe("MongoDB's words"),
    result: z
      .enum(STATUSES)
      .optional()
      .describe(
        'How the attempt ended whose result could not be recorded: a retry records it and sends nothing',
      ),
    discarded_at: z.iso.datetime().optional(),
  })
  .meta({ id: 'Quarantined' });

/** A quarantined record as the API shows it. */
export type QuarantineView = z.output<typeof quarantineViewSchema>;
