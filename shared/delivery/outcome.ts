import type { SuppressAfter } from '../verdicts/index.ts';

interface Told {
  /** Its provider's breaker has counted it already. */
  counted?: true;
}

/** The provider took it. */
export interface Sent extends Told {
  kind: 'sent';
  provider: string;
  provider_message_id?: string;
  /** What the provider answered, in words, for the timeline. */
  reason?: string;
}

/** It was not taken: `code` is stable (the provider's where it has one), `reason` is for people. */
interface NotSent extends Told {
  provider: string;
  code: string;
  reason: string;
  /**
   * It is the provider's own trouble, not this message's: it cannot be reached, refuses our session, is out of order, or asks all of us to
   * wait. The breaker counts these and nothing else; an answer about a recipient or a text is never one. A fault never spends a retry.
   */
  providerFault?: true;
  /**
   * Whether the provider had been told anything of this notification, its recipient or its text. false: the failure cannot be about it.
   * true: when it was too slow and has not taken it, that is not its fault. Not given: unknown.
   */
  seen?: boolean;
  /** The provider refused one more connection or request at once. While it serves others, that is no fault: it gets fewer at once. */
  overLimit?: true;
  /** The provider was not asked, so this says nothing about it. */
  untried?: true;
}

/** It may work later: spends a retry, unless it is the provider's fault. */
export interface Transient extends NotSent {
  kind: 'transient';
}

/** It will never work: a dead letter at once. */
export interface Permanent extends NotSent {
  kind: 'permanent';
  /** By this code the address takes nothing any more, such as 5.1.1, so it is suppressed. */
  codeForGood?: string;
  /** Set where one refusal is no proof: the address is suppressed only when it is refused so often. */
  suppressAfter?: SuppressAfter;
}

/** Put off by the provider or a limit: spends nothing. */
export interface Deferred extends NotSent {
  kind: 'deferred';
  afterMs: number;
  /** By us and not by a provider or a limit: a pause, a stop, an outage. It does not count towards the 72 h after which a hold ends. */
  isOurs?: true;
}

/** The answer to the hand-over was lost: nobody knows whether the provider took it. */
export interface Ambiguous extends NotSent {
  kind: 'ambiguous';
  /** The claim has marked and counted it already: it is the attempt before, not one of ours. */
  marked?: true;
}

/** Its time was over before it was tried again. */
export interface Expired extends NotSent {
  kind: 'expired';
}

/** Nothing is handed over to this address until a person lifts that. */
export interface Suppressed extends NotSent {
  kind: 'suppressed';
}

/** How one attempt ended. Expected failures are results, never exceptions. */
export type Outcome = Sent | Transient | Permanent | Deferred | Ambiguous | Expired | Suppressed;
