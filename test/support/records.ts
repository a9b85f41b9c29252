import type { Notification } from '../../shared/contracts/index.ts';
import { newId } from '../../shared/runtime/ids.ts';

/** A record as acceptance makes it, with some fields of one's own. */
export function aRecord(more: Partial<Notification> = {}): Notification {
  const now = new Date();
  return {
    _id: newId(),
    user_id: 'u1',
    type: 'email',
    lane: 'transactional',
    message: 'Hello',
    email: 'a@example.org',
    on_ambiguous: 'retry',
    status: 'pending',
    attempt: 0,
    retry_count: 0,
    interrupted: 0,
    ambiguous_count: 0,
    fence: 0,
    caller: 'api',
    created_at: now,
    updated_at: now,
    timeline: [{ at: now, status: 'pending', actor: 'api', reason: 'accepted' }],
    ...more,
  };
}
