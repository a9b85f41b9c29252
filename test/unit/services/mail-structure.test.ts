import { expect, test } from 'vitest';
import { fieldsOf, parseMail } from '../../../services/producer/callbacks/mail-structure.ts';

test('reads every kind of line end as one', () => {
  expect(parseMail(Buffer.from('a: 1\r\nb: 2\r\r\nc: 3\rd: 4\n\nbody')).header.size).toBe(4);
  expect(parseMail(Buffer.from('a: 1\r\rbody')).body).toBe('body');
});

test.each([
  ['carriage returns', () => parseMail(Buffer.from(`a: 1\n\n${'\r'.repeat(500_000)}x`))],
  ['fields of one name', () => fieldsOf('a:\n'.repeat(85_000))],
])('reads many %s in little time', (_what, read) => {
  const began = performance.now();
  read();
  expect(performance.now() - began).toBeLessThan(2_000);
});
