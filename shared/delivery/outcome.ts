/** The provider took it. */
export interface Sent {
  kind: 'sent';
  provider: string;
  provider_message_id?: string;
  /** What the provider answered, in words, for the timeline. */
  reason?: string;
}

/** It was not taken: `code` is stable (the provider's where it has one), `reason` is for people. */
interface NotSent {
  provider: string;
  code: string;
  reason: string;
}

/** It may work later: spends a rung of the ladder. */
export interface Transient extends NotSent {
  kind: 'transient';
}

/** It will never work: a dead letter at once. */
export interface Permanent extends NotSent {
  kind: 'permanent';
}

/** Put off by the provider or a limit: spends nothing. */
export interface Deferred extends NotSent {
  kind: 'deferred';
  afterMs: number;
}

/** The answer to the hand-over was lost: nobody knows whether the provider took it. */
export interface Ambiguous extends NotSent {
  kind: 'ambiguous';
}

/** How one attempt ended. Expected failures are results, never exceptions. */
export type Outcome = Sent | Transient | Permanent | Deferred | Ambiguous;
