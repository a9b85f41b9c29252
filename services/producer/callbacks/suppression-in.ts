import type { Feedback } from '../../../shared/contracts/index.ts';
import { isAtOnce, type SuppressAfter } from '../../../shared/verdicts/index.ts';

/** The part of feedback that suppresses the address, at once or when it is repeated; empty where it never does. */
export function suppressionIn(
  suppressAfter: SuppressAfter | undefined,
): Pick<Feedback, 'isForGood' | 'suppressAfter'> {
  if (!suppressAfter) return {};
  return isAtOnce(suppressAfter) ? { isForGood: true } : { suppressAfter };
}
