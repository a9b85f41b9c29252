import { z } from 'zod';
import {
  revokeRequestSchema,
  tokenRequestSchema,
  tokensSchema,
  userTokenSchema,
} from '../../../shared/contracts/index.ts';
import type { ProducerContext } from '../context.ts';
import { BODY_PROBLEMS, operation, type Operation } from './operation.ts';
import { Problem } from './problem.ts';
import { userParams } from './users.ts';

const TAG = 'Tokens';
/** Comparing a password takes a quarter of a second of one core, and others may wait before it; milliseconds. */
const PASSWORD_WITHIN_MS = 10_000;

/** Tokens of accounts, and of people for their inbox. */
export function authOperations({
  accountTokens,
  accessTokens,
  audit,
  pseudonyms,
  log,
}: ProducerContext): Operation[] {
  return [
    operation({
      method: 'post',
      path: '/v1/auth/token',
      id: 'issueToken',
      needs: 'nobody',
      tag: TAG,
      summary: 'An access token for an account’s password, or for a refresh token',
      body: tokenRequestSchema,
      answer: { status: 200, description: 'The tokens', schema: tokensSchema },
      problems: [...BODY_PROBLEMS, 'invalid_credentials'],
      answerWithinMs: PASSWORD_WITHIN_MS,
      handle: async ({ body, address }) => {
        const issued =
          body.grant_type === 'refresh_token'
            ? await accountTokens.byRefresh(body.refresh_token)
            : await accountTokens.byPassword(body.username.trim().toLowerCase(), body.password, address());
        if (issued) return { status: 200, body: issued };
        log.warn('a token was refused', { grant: body.grant_type ?? 'password', address: address() });
        // Whatever was wrong with them is not said.
        throw new Problem('invalid_credentials', {
          ...(body.grant_type === 'refresh_token' && { detail: 'Sign in with the password again.' }),
          headers: { 'www-authenticate': 'Bearer realm="tidings"' },
        });
      },
    }),
    operation({
      method: 'post',
      path: '/v1/auth/revoke',
      id: 'revokeToken',
      needs: 'nobody',
      tag: TAG,
      summary:
        'End the refresh tokens of a sign-in; what is none changes nothing. Access tokens live on for ten minutes at most',
      body: revokeRequestSchema,
      answer: {
        status: 200,
        description: 'It opens nothing',
        schema: z.object({ revoked: z.literal(true) }),
      },
      problems: BODY_PROBLEMS,
      handle: async ({ body }) => {
        await accountTokens.revoke(body.refresh_token);
        return { status: 200, body: { revoked: true } };
      },
    }),
    operation({
      method: 'post',
      path: '/v1/users/{user_id}/token',
      id: 'issueUserToken',
      needs: ['read:all', 'send:in_app'],
      tag: TAG,
      summary:
        'A token with which a person’s own browser or phone reaches this person’s inbox, and nothing else',
      params: userParams,
      answer: { status: 201, description: 'The token', schema: userTokenSchema },
      problems: ['validation_failed'],
      handle: async ({ params, identity }) => {
        const token = await accessTokens.ofUser(params.user_id);
        const subject = await pseudonyms.subjectOf(params.user_id);
        await audit.note({ actor: identity.actor, act: 'user_token_issued', subject });
        return { status: 201, body: token };
      },
    }),
  ];
}
