import { z } from 'zod';
import { tooLong } from './fields.ts';

const secret = z
  .string({ error: 'must be a string' })
  .min(1)
  .max(200, { error: tooLong(200) });

/** The body of POST /v1/auth/token: a password, or the refresh token of an answer before. */
export const tokenRequestSchema = z
  .discriminatedUnion(
    'grant_type',
    [
      z.strictObject({
        // Without it a password is meant.
        grant_type: z.literal('password').optional(),
        username: z.string({ error: 'is required' }).max(256, { error: tooLong(256) }),
        password: z.string({ error: 'is required' }).max(256, { error: tooLong(256) }),
      }),
      z.strictObject({ grant_type: z.literal('refresh_token'), refresh_token: secret }),
    ],
    { error: 'must be password or refresh_token' },
  )
  .meta({ id: 'TokenRequest' });

/** The body of POST /v1/auth/revoke. */
export const revokeRequestSchema = z.strictObject({ refresh_token: secret }).meta({ id: 'RevokeRequest' });

/** The answer to both grants, in OAuth's words (RFC 6749 §5.1). */
export const tokensSchema = z
  .object({
    access_token: z.string(),
    token_type: z.literal('Bearer'),
    expires_in: z.int().describe('Seconds'),
    refresh_token: z.string().describe('Works once; its answer holds the next one'),
    scope: z.string().describe('What the account may do, separated by blanks'),
  })
  .meta({ id: 'Tokens' });

/** A token for one person's inbox. */
export const userTokenSchema = z
  .object({
    access_token: z.string(),
    token_type: z.literal('Bearer'),
    expires_in: z.int().describe('Seconds'),
  })
  .meta({ id: 'UserToken' });
