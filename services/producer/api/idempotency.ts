import { z } from 'zod';
import { IDEMPOTENCY_KEY } from '../../../shared/contracts/index.ts';
import { Problem } from './problem.ts';

/** The header that makes a request repeatable. */
export const idempotencyHeaders = z.object({ 'idempotency-key': IDEMPOTENCY_KEY.optional() });

/** Reads the key from its header. @throws Problem when the header is no usable key. */
export function idempotencyKeyOf(header: string | string[] | undefined): string | undefined {
  if (header === undefined) return undefined;
  const result = IDEMPOTENCY_KEY.safeParse(header);
  if (result.success) return result.data;
  const errors = result.error.issues.map(({ message }) => ({ field: 'Idempotency-Key', message }));
  throw new Problem('validation_failed', { errors });
}
