import { expect, test } from 'vitest';
import { readRequested } from '../../../services/producer/amqp/read.ts';
import type { Problem } from '../../../services/producer/api/problem.ts';
import type { Delivery } from '../../../shared/broker/index.ts';

const HELLO = '{"user_id":"u1","type":"in_app","message":"Hello"}';

/** What a request with this body is parked with; undefined when it is taken. */
function refusalOf(body: Buffer | string): Problem | undefined {
  const properties = { messageId: 'order-7', userId: 'shop' };
  const delivery = { body: Buffer.from(body as string), routingKey: 'notification.requested', properties };
  try {
    readRequested(delivery as unknown as Delivery);
    return undefined;
  } catch (thrown) {
    return thrown as Problem;
  }
}

test('parks a request that is not UTF-8, and names the first wrong byte', () => {
  const bytes = Buffer.from(HELLO.replace('Hello', 'Grüße'), 'latin1');
  expect(refusalOf(bytes)).toMatchObject({
    code: 'malformed_json',
    message: expect.stringContaining(`byte ${bytes.indexOf(0xfc)} (0xfc)`) as unknown,
  });
});

test.each([
  [HELLO.replace('Hello', '\\ud800'), 'message'],
  [HELLO.replace('}', ',"data":{"id":9007199254740993}}'), 'data.id'],
  [HELLO.replace('}', ',"__proto__":{"lane":"bulk"}}'), '__proto__'],
  [HELLO.replace('}', ',"message":"Bye"}'), 'message'],
  [HELLO.replace('Hello', '\\u200b'), 'message'],
  [HELLO.replace('u1', '..'), 'user_id'],
  [HELLO.replace('}', ',"colour":"red"}'), 'colour'],
])('parks %s, by its field', (body, field) => {
  expect(refusalOf(body)).toMatchObject({ code: 'validation_failed', errors: [{ field }] });
});

test('takes a request in UTF-8, with a byte order mark as well', () => {
  expect(refusalOf(HELLO.replace('Hello', 'Grüße'))).toBeUndefined();
  expect(refusalOf(`\ufeff${HELLO}`)).toBeUndefined();
});
