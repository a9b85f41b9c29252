import fc from 'fast-check';
import { expect, test } from 'vitest';
import { wordsOfBody } from '../../../shared/delivery/index.ts';

test.each([
  [
    'a problem',
    { title: 'Unprocessable', detail: 'The sender is not registered' },
    'The sender is not registered: Unprocessable',
  ],
  [
    'an OAuth error',
    { error: 'invalid_scope', error_description: 'no such scope' },
    'no such scope: invalid_scope',
  ],
  ['a nested error', { error: { code: 7, message: 'no route' } }, 'no route'],
  ['a list of errors', { errors: [{ message: 'a' }, 'b'] }, 'a; b'],
  ['fields that nobody knows', { why: 'because' }, '{"why":"because"}'],
  ['JSON as text', '{"message":"as text"}', 'as text'],
  ['JSON that is none', '{"message', '{"message'],
  ['plain text', ' The queue\r\nis full. ', 'The queue is full.'],
  [
    'a page',
    '<html><style>b{}</style><body><h1>422</h1>\n<p>No such sender</p></body></html>',
    '422 No such sender',
  ],
  ['nothing', '', ''],
  ['no body', undefined, ''],
])('reads %s', (_what, body, words) => {
  expect(wordsOfBody(body)).toBe(words);
});

test('shows neither secrets nor recipients', () => {
  const words = wordsOfBody(
    { message: 'key s3cret-value of ada@example.org, Bearer abcdefgh1234 +15005550006' },
    ['s3cret-value'],
  );
  for (const secret of ['s3cret-value', 'ada@', 'abcdefgh1234', '+15005550006'])
    expect(words).not.toContain(secret);
});

test('is one bounded line, whatever the body', () => {
  fc.assert(
    fc.property(fc.anything(), (body) => {
      const words = wordsOfBody(body);
      expect(words.length).toBeLessThanOrEqual(500);
      expect(words).not.toMatch(/\n/);
    }),
  );
  expect(wordsOfBody('x'.repeat(100_000))).toHaveLength(500);
});
