import { expect, test } from 'vitest';
import { MAGIC_MAILBOXES, MAGIC_NUMBERS, magicOf } from '../../../infra/local/sandbox/magic-recipients.ts';

test.each(MAGIC_MAILBOXES)('$local@ is found in any domain, with a tag and in capitals', (magic) => {
  expect(magicOf(`${magic.local}@one.example`)).toBe(magic);
  expect(magicOf(`${magic.local}+7@two.example`)).toBe(magic);
  expect(magicOf(`${magic.local.toUpperCase()}@three.example`)).toBe(magic);
});
test.each(['ada@example.org', 'flakyone@example.org', 'a+flaky@example.org', 'a@flaky.example', ''])(
  '"%s" is ordinary',
  (address) => {
    expect(magicOf(address)).toBeUndefined();
  },
);
test('the names of the documented faults are there, each once', () => {
  expect(MAGIC_MAILBOXES.map(({ local }) => local).sort()).toEqual(
    [
      ...['bounce', 'down', 'drop', 'fail', 'flaky', 'full', 'hang', 'slow'],
      ...['gone', 'nobody', 'received', 'unreachable'],
    ].sort(),
  );
});
test('an enhanced code is of the class of its reply', () => {
  for (const { refuse } of MAGIC_MAILBOXES)
    if (refuse) expect(refuse.message).toMatch(new RegExp(`^${String(refuse.code)[0] ?? ''}\\.\\d\\.\\d `));
});
test('numbers are there once; ours do not take one that may be Twilio’s', () => {
  const numbers = MAGIC_NUMBERS.map(({ number }) => number);
  expect(new Set(numbers).size).toBe(numbers.length);
  for (const { number, refuse } of MAGIC_NUMBERS)
    expect(number).toMatch(refuse?.status === 400 ? /^\+1500555000\d$/ : /^\+1500555010\d$/);
});
