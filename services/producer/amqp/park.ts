import {
  REQUESTS_QUEUE,
  headerText,
  publishParked,
  type Delivery,
  type Publisher,
} from '../../../shared/broker/index.ts';
import { HEADERS, PROBLEMS } from '../../../shared/contracts/index.ts';
import type { Problem } from '../api/problem.ts';
import { senderOf } from './read.ts';

/** What AMQP 0-9-1 allows for a property that is a short string, in bytes. */
const MAX_ID_BYTES = 255;

/** Puts a request that is not taken where operators look: as it came, under its own id, with what is wrong with it. @throws PublishError */
export function parkRequest(publisher: Publisher, delivery: Delivery, problem: Problem): Promise<void> {
  return publishParked(publisher, delivery.body, reasonOf(problem), REQUESTS_QUEUE, {
    messageId: messageIdOf(delivery),
    headers: { [HEADERS.code]: problem.code, [HEADERS.sender]: headerText(senderOf(delivery)) },
  });
}

/** Undefined without one. Bytes that are not UTF-8 grow when they are read, and AMQP has 255 bytes for an id. */
function messageIdOf({ properties: { messageId } }: Delivery): string | undefined {
  if (typeof messageId !== 'string') return undefined;
  return Buffer.byteLength(messageId) > MAX_ID_BYTES
    ? headerText(messageId).slice(0, MAX_ID_BYTES)
    : messageId;
}

/** What is wrong, in one line: each field with what it must be. */
export function reasonOf({ code, message, errors }: Problem): string {
  if (errors) return errors.map(({ field, message: must }) => `${field}: ${must}`).join('; ');
  const { title } = PROBLEMS[code];
  return message === '' ? title : `${title}: ${message}`;
}
