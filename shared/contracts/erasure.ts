import { z } from 'zod';

/** The order to erase one person, and what has become of it. */
export interface Erasure {
  _id: string;
  /** Until it is done; then only the digest says whom it was about. */
  user_id?: string;
  /** The person's pseudonym. */
  user_digest: string;
  requested_by: string;
  /** What was accepted later is not concerned. */
  requested_at: Date;
  erased: number;
  finished_at?: Date;
}

/** The receipt of an erasure. */
export const erasureSchema = z
  .object({
    id: z.string(),
    user_digest: z.string().describe('The pseudonym of the person: the same as in the audit'),
    requested_by: z.string(),
    requested_at: z.iso.datetime(),
    erased: z.int().describe('Notifications whose content and recipient are gone'),
    finished_at: z.iso
      .datetime()
      .optional()
      .describe(
        'Absent for half a minute, and while something is just being sent or there is more to do; it goes on by itself',
      ),
  })
  .meta({ id: 'Erasure' });

/** What is shown of an erasure. */
export function erasureViewOf(erasure: Erasure): z.output<typeof erasureSchema> {
  const { _id: id, requested_at, finished_at } = erasure;
  return erasureSchema.parse({
    ...erasure,
    id,
    requested_at: requested_at.toISOString(),
    finished_at: finished_at?.toISOString(),
  });
}
