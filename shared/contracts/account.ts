import { z } from 'zod';

/** What people may do on the pages, each role all of the one before it: look; send, retry and steer; and see to the accounts. */
export const ROLES = ['viewer', 'operator', 'admin'] as const;

/** One of them. */
export type Role = (typeof ROLES)[number];

/** Whether a role may do what another one is needed for. */
export function isAtLeast(role: Role, needed: Role): boolean {
  return ROLES.indexOf(role) >= ROLES.indexOf(needed);
}

/** The name of an account, lower case; an e-mail address is one. */
export const accountNameSchema = z
  .string({ error: 'is required' })
  .trim()
  .toLowerCase()
  .regex(/^[a-z0-9][a-z0-9._@+-]{0,63}$/, {
    error: 'must be 1 to 64 letters, digits or . _ @ + -, and begin with a letter or digit',
  });

/** A person who may sign in. */
export const accountSchema = z.object({
  /** Its name. */
  _id: accountNameSchema,
  role: z.enum(ROLES),
  /** By bcrypt. Absent until the person has chosen one: until then only one-time links open the account. */
  password_hash: z.string().optional(),
  /** When set, nobody signs in with it any more. */
  disabled_at: z.date().optional(),
  created_at: z.date(),
  created_by: z.string(),
});

/** A person who may sign in. */
export type Account = z.output<typeof accountSchema>;
