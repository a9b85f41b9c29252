import { z } from 'zod';

/** The order to erase one person, and what has become of it. */
export interface Erasure {
  _id: string;
  /** Until it is done; then only the digest says whom it was about. */
  user_id?: string;
  /** SHA-256 of the person's id. */
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
    user_digest: z.string().describe('SHA-256 of the user_id, in base64url: proves whom it was about'),
    requested_by: z.string(),
    requested_at: z.iso.datetime(),
    erased: z.int().describe('Notifications whose content and recipient are gone'),
    finished_at: z.iso
      .datetime()
      .optional()
      .describe('Absent while one is just being sent; it is erased after that'),
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
