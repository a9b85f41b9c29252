/**
 * The life of a notification as one table: from each status, the statuses it may go to. A status that leads nowhere is final.
 *
 * What holds it: every write in the store is conditional on the status that it leaves, by one of the lists below, and a list with a status from
 * which the table does not allow the move does not compile (`From`). What an attempt leads to is checked by a property test of `decide`.
 * The store itself does not look into the table.
 */
export const TRANSITIONS = {
  // What MongoDB refuses to write waits in quarantine, from where a person may discard it in whatever status it is.
  scheduled: ['pending', 'sending', 'canceled', 'expired', 'discarded'],
  // In-app passes `sending` within one write: its timeline has both.
  pending: ['sending', 'canceled', 'expired', 'discarded'],
  // Delivered when an attempt before was ambiguous, and the provider says that it arrived.
  held: ['pending', 'sending', 'canceled', 'expired', 'delivered', 'discarded'],
  failed: ['pending', 'sending', 'canceled', 'expired', 'delivered', 'discarded'],
  // sending → sending: a lease that ran out is taken over, which is the ambiguous case.
  sending: [
    'sending',
    'sent',
    'failed',
    'held',
    'failed_permanently',
    'outcome_unknown',
    'expired',
    'suppressed',
    'discarded',
  ],
  sent: ['delivered', 'bounced'],
  failed_permanently: ['pending', 'held', 'discarded'],
  // Discarded when its person is erased; delivered or bounced when the provider says so after all.
  outcome_unknown: ['pending', 'sent', 'failed_permanently', 'discarded', 'delivered', 'bounced'],
  delivered: [],
  bounced: [],
  // Sent again by a person, once the suppression is removed.
  suppressed: ['pending'],
  expired: [],
  canceled: [],
  discarded: [],
} as const satisfies Record<string, readonly string[]>;

/** Where a notification stands. */
export type Status = keyof typeof TRANSITIONS;

/** The statuses from which the table allows to go to another. */
type From<To extends Status> = {
  [Start in Status]: To extends (typeof TRANSITIONS)[Start][number] ? Start : never;
}[Status];

/** Every status. */
export const STATUSES = Object.keys(TRANSITIONS) as [Status, ...Status[]];

/** Statuses that a consumer may claim once they are due. */
export const CLAIMABLE_WHEN_DUE = ['failed', 'held', 'scheduled'] as const satisfies (From<'sending'> &
  From<'pending'>)[];

/** Statuses in which nothing has been handed over, so that a cancel still wins. */
export const CANCELABLE = ['scheduled', 'pending', 'held', 'failed'] as const satisfies (From<'canceled'> &
  From<'expired'>)[];

/** Statuses in which something must still happen by itself. */
export const MOVING = [...CANCELABLE, 'sending'] as const satisfies Status[];

/** Statuses that a person may send again by hand. */
export const RETRYABLE = [
  'failed_permanently',
  'outcome_unknown',
  'suppressed',
] as const satisfies From<'pending'>[];

/** Statuses of which a person may say what became of it. */
export const RESOLVABLE = ['outcome_unknown'] as const satisfies (From<'sent'> &
  From<'failed_permanently'>)[];

/** What a person may do to one notification, as what becomes of it, and the statuses that allow it. */
export const STEERABLE = {
  retried: RETRYABLE,
  canceled: CANCELABLE,
  resolved: RESOLVABLE,
} as const satisfies Record<string, readonly Status[]>;

/** Statuses that the word of a provider moves on, to `delivered` or `bounced`: something was handed over, or may have been. */
export const AWAITING_FEEDBACK = ['sent', 'outcome_unknown'] as const satisfies (From<'delivered'> &
  From<'bounced'>)[];

/** Statuses that wait for another attempt. After one whose outcome is unknown, word that it arrived saves its person a duplicate. */
export const AWAITING_ATTEMPT = ['failed', 'held'] as const satisfies From<'delivered'>[];

/** Statuses whose records may say why they did not get through; those that search by it looks at. */
export const TROUBLED = [
  'held',
  'failed',
  'failed_permanently',
  'outcome_unknown',
  'bounced',
  'suppressed',
  'expired',
  'canceled',
  'discarded',
] as const satisfies Status[];

/**
 * Statuses in which the work is over, and retention begins. A dead letter and an unknown outcome wait for a person instead; a suppressed
 * notification may be sent again until its retention ends.
 */
export const FINISHED = [
  'sent',
  'delivered',
  'bounced',
  'suppressed',
  'expired',
  'canceled',
  'discarded',
] as const satisfies Status[];

/** Whether the table allows to go from one status to another. */
export function canGo(from: Status, to: Status): boolean {
  return (TRANSITIONS[from] as readonly Status[]).includes(to);
}

/** Why a notification that stands there cannot be retried, canceled or resolved, in words for people; `nameOf` is how a status is called. */
export function whyNot(
  status: Status,
  act: keyof typeof STEERABLE,
  nameOf: (status: Status) => string = String,
): string {
  const allowing = new Intl.ListFormat('en-GB', { type: 'disjunction' }).format(STEERABLE[act].map(nameOf));
  return `It is ${nameOf(status)}; only what is ${allowing} can be ${act}.`;
}
