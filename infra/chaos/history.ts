import type { Channel, Notification } from '../../shared/contracts/index.ts';

/** What a client wanted, and what it knows about it. The marker is its idempotency key, and stands in the content. */
export interface Wish {
  marker: string;
  channel: Channel;
  /** flaky: the provider refuses it twice and then takes it. refused: for good, so that it must become a dead letter. */
  recipient: 'fine' | 'flaky' | 'refused';
  /** What a cancel was answered, where one was asked for. */
  cancel?: 'won' | 'too late' | 'unknown';
  /** Id of the 202 that the client saw; without one nothing was promised. */
  id?: string;
  /** When the client saw it, in milliseconds since the epoch. */
  acceptedAt?: number;
  /** It repeated until it lost patience, and was never told 202. */
  givenUp?: true;
  /** The client never learned what became of its request. */
  unknown?: true;
}

/** One message that a person would have got. */
export interface Handover {
  marker: string;
  channel: Channel;
  /** Milliseconds since the epoch. */
  at: number;
  /** The Message-ID of a mail. */
  messageId?: string;
}

/** What the store says. */
export type StoredRecord = Pick<
  Notification,
  | '_id'
  | 'status'
  | 'type'
  | 'ambiguous_count'
  | 'attempt'
  | 'retry_count'
  | 'idempotency_key'
  | 'error'
  | 'created_at'
  | 'updated_at'
  | 'sent_at'
>;

/** Messages that RabbitMQ still holds, by queue. */
export type Depths = Readonly<Record<string, number>>;

/** All that the checker compares: three witnesses that know nothing of each other. */
export interface History {
  /** The client's. */
  wishes: readonly Wish[];
  /** The providers' and, for in-app, the person's inbox. */
  handovers: readonly Handover[];
  /** The store's, and the sum of its states by the fleet's own figures. */
  records: readonly StoredRecord[];
  total: number;
  depths: Depths;
  /** Deliveries that may have been handed over without their answer being known: in flight at each crash, and answers lost by a provider. */
  bound: number;
  /** Whatever else the run saw that must not be, in words. */
  complaints: readonly string[];
  /** The slowest answer that a client got, in milliseconds. */
  slowestMs: number;
  /** When the fault was healed, in milliseconds since the epoch. */
  healedAt: number;
}
