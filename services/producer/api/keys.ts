import { z } from 'zod';
import {
  keyRequestSchema,
  keyViewOf,
  keyViewSchema,
  newKeySchema,
  rotateRequestSchema,
} from '../../../shared/contracts/index.ts';
import type { IssuedKey } from '../access/api-keys.ts';
import type { ProducerContext } from '../context.ts';
import { BODY_PROBLEMS, operation, type Answer, type Operation } from './operation.ts';
import { Problem } from './problem.ts';

const TAG = 'Keys';
const keyParams = z.object({ id: z.string().max(64).meta({ description: 'Id of the key' }) });

/** The keys of the API. */
export function keyOperations({ keys }: ProducerContext): Operation[] {
  return [
    operation({
      method: 'get',
      path: '/v1/keys',
      id: 'listKeys',
      needs: ['admin'],
      tag: TAG,
      summary: 'All keys, newest first',
      answer: { status: 200, description: 'The keys', schema: z.object({ keys: z.array(keyViewSchema) }) },
      problems: [],
      handle: async () => ({ status: 200, body: { keys: (await keys.all()).map(keyViewOf) } }),
    }),
    operation({
      method: 'post',
      path: '/v1/keys',
      id: 'createKey',
      needs: ['admin'],
      tag: TAG,
      summary: 'Make a key',
      body: keyRequestSchema,
      answer: { status: 201, description: 'The key, shown this once', schema: newKeySchema },
      problems: BODY_PROBLEMS,
      handle: async ({ body, identity }) => issuedAnswer(await keys.make(body, identity.actor)),
    }),
    operation({
      method: 'post',
      path: '/v1/keys/{id}/rotate',
      id: 'rotateKey',
      needs: ['admin'],
      tag: TAG,
      summary: 'Give a key another secret; the old one works on for the grace',
      params: keyParams,
      body: rotateRequestSchema,
      answer: {
        status: 201,
        description: 'The key with its new secret, shown this once',
        schema: newKeySchema,
      },
      problems: [...BODY_PROBLEMS, 'not_found'],
      handle: async ({ params, body, identity }) => {
        const grace = { graceSeconds: body.grace_seconds };
        return issuedAnswer(await keys.rotate(params.id, grace, identity.actor));
      },
    }),
    operation({
      method: 'delete',
      path: '/v1/keys/{id}',
      id: 'revokeKey',
      needs: ['admin'],
      tag: TAG,
      summary: 'Revoke a key for good; it opens nothing from two seconds later on',
      params: keyParams,
      answer: { status: 200, description: 'The key', schema: keyViewSchema },
      problems: ['validation_failed', 'not_found'],
      handle: async ({ params, identity }) => {
        const record = await keys.revoke(params.id, identity.actor);
        if (!record) throw noSuchKey();
        return { status: 200, body: keyViewOf(record) };
      },
    }),
  ];
}

function issuedAnswer(issued: IssuedKey | undefined): Answer {
  if (!issued) throw noSuchKey();
  const { record, key } = issued;
  return { status: 201, body: { ...keyViewOf(record), key } };
}

/** For whoever names a key that is not there. */
export function noSuchKey(): Problem {
  return new Problem('not_found', {
    detail: 'There is no such key, or it is revoked, expired, or was rotated since the page was shown.',
  });
}
