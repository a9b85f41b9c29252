import type { Request } from 'express';

/** The fields of a form that was sent, whatever they hold. */
export function formOf({ body }: Request): Record<string, unknown> {
  return (body ?? {}) as Record<string, unknown>;
}
