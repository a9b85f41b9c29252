import { HEADERS, messageOf, type Notification } from '../contracts/index.ts';
import type { Publisher } from './publisher.ts';
import { EXCHANGES, routingKey } from './topology.ts';

/** Of the reason on a parked message: enough for one trouble with each field of a request. */
const MAX_REASON_CHARS = 2_000;

/** What of a record its message needs. */
export type Hintable = Pick<Notification, '_id' | 'type' | 'lane' | 'attempt'>;

/** Tells the consumers of a channel that a notification may be due now. @throws PublishError */
export function publishDue(publisher: Publisher, record: Hintable): Promise<void> {
  return publisher.publish({
    exchange: EXCHANGES.work,
    key: routingKey(record.type, record.lane),
    body: messageOf(record, new Date()),
    messageId: record._id,
  });
}

/** Puts a notification into the wait queue of a tier; it comes back by itself after the delay. @throws PublishError */
export function publishRetry(publisher: Publisher, record: Hintable, delayMs: number): Promise<void> {
  return publisher.publish({
    exchange: EXCHANGES.retry,
    key: routingKey(record.type, record.lane, delayMs),
    body: messageOf(record, new Date()),
    messageId: record._id,
  });
}

/** Puts a dead letter where operators look. @throws PublishError */
export function publishDead(publisher: Publisher, record: Hintable, code: string): Promise<void> {
  return publisher.publish({
    exchange: EXCHANGES.dead,
    key: routingKey(record.type, record.lane),
    body: messageOf(record, new Date()),
    messageId: record._id,
    headers: { [HEADERS.reason]: code },
  });
}

/** What more is known of a message that is parked. */
export interface ParkedMore {
  /** Its own id, by which its publisher knows it. */
  messageId?: string | undefined;
  headers?: Readonly<Record<string, string>>;
}

/** Puts a message that nobody can read where operators look, as it came, with the reason. @throws PublishError */
export function publishParked(
  publisher: Publisher,
  body: Buffer,
  reason: string,
  queue: string,
  { messageId = 'parked', headers = {} }: ParkedMore = {},
): Promise<void> {
  return publisher.publish({
    exchange: EXCHANGES.parking,
    key: queue,
    body,
    messageId,
    headers: {
      ...headers,
      [HEADERS.reason]: headerText(reason).slice(0, MAX_REASON_CHARS),
      [HEADERS.source]: queue,
    },
  });
}

/** A text as the value of a header: for every client that is one line of printable ASCII. */
export function headerText(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?');
}
