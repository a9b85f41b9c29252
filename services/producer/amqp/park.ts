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

/** Puts a request that is not taken where operators look: as it came, under its own id, with what is wrong with it. @throws PublishError */
export function parkRequest(publisher: Publisher, delivery: Delivery, problem: Problem): Promise<void> {
  const { messageId } = delivery.properties;
  return publishParked(publisher, delivery.body, reasonOf(problem), REQUESTS_QUEUE, {
    messageId: typeof messageId === 'string' ? messageId : undefined,
    headers: { [HEADERS.code]: problem.code, [HEADERS.sender]: headerText(senderOf(delivery)) },
  });
}

/** What is wrong, in one line: each field with what it must be. */
export function reasonOf({ code, message, errors }: Problem): string {
  if (errors) return errors.map(({ field, message: must }) => `${field}: ${must}`).join('; ');
  const { title } = PROBLEMS[code];
  return message === '' ? title : `${title}: ${message}`;
}
