/** How often an address must be refused before it is suppressed. */
export interface SuppressAfter {
  /** Refusals on different days. */
  reports: number;
  /** Days between the first and the last of them, at least. */
  overDays: number;
}

/** What a refusal leads to. */
interface Effects {
  /** When the address is suppressed; never without it. */
  suppressAfter?: SuppressAfter;
  /** Another attempt at the same recipient may succeed, so the hand-off is retried. */
  isRetried?: true;
  /** It concerns our account, our sender or the provider itself: the hand-off is deferred, and the circuit breaker counts it. */
  providerFault?: true;
}

const AT_ONCE: SuppressAfter = { reports: 1, overDays: 0 };
const WHEN_REPEATED: SuppressAfter = { reports: 3, overDays: 7 };

/**
 * The verdicts and their effects. A report after the hand-off makes the notification `bounced` under every verdict; a refusal at the
 * hand-off makes it a dead letter, unless it is retried or a provider fault.
 */
export const VERDICTS = {
  /** Proof that the address takes nothing any more, or an opt-out. */
  dead: { suppressAfter: AT_ONCE },
  /** The address takes nothing now, which may pass: a full mailbox, a domain without DNS. */
  unreachable: { suppressAfter: WHEN_REPEATED },
  /** About this recipient or this message, and no proof that the address is dead. */
  refused: {},
  /** The same as refused, but the provider says that it passes. */
  busy: { isRetried: true },
  /** About our account, our sender or the provider. */
  ours: { isRetried: true, providerFault: true },
} as const satisfies Record<string, Effects>;

/** The name of a verdict. */
export type VerdictName = keyof typeof VERDICTS;

/** The effects of a verdict. */
export function effectsOf(verdict: VerdictName): Effects {
  return VERDICTS[verdict];
}

/** Whether the first refusal suppresses the address. */
export function isAtOnce({ reports }: SuppressAfter): boolean {
  return reports <= 1;
}
