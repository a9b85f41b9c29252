import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AllowedSenders, isSenderList, mailbox, mailboxOf } from '../../../shared/contracts/index.ts';

describe('a mailbox', () => {
  test.each([
    ['ada@example.org', { address: 'ada@example.org' }],
    ['Ada <ada@example.org>', { name: 'Ada', address: 'ada@example.org' }],
    ['<ada@example.org>', { address: 'ada@example.org' }],
    ['Zoë of Sales <zoe@example.org>', { name: 'Zoë of Sales', address: 'zoe@example.org' }],
    ['Shop <c/o@BÜCHER.example>', { name: 'Shop', address: 'c/o@xn--bcher-kva.example' }],
  ])('%s is read', (text, expected) => {
    expect(mailboxOf(text)).toEqual(expected);
    expect(mailbox.safeParse(text).success).toBe(true);
  });
  test.each([
    ['no address', 'Ada'],
    ['two of them', 'ada@example.org, eve@example.org'],
    ['an address in its name', 'boss@example.org <eve@example.org>'],
    ['a comma in its name', 'Lovelace, Ada <ada@example.org>'],
    ['quotes', '"Ada" <ada@example.org>'],
    ['a second address behind', 'Ada <ada@example.org> <eve@example.org>'],
    ['a name without a space behind', 'Ada<ada@example.org>'],
    ['a line break', 'Ada\r\nBcc: eve@example.org <ada@example.org>'],
    ['no end', 'Ada <ada@example.org'],
  ])('with %s is refused', (_what, text) => {
    expect(mailbox.safeParse(text).success).toBe(false);
  });
});

describe('the list of allowed senders', () => {
  test.each([
    ['', true],
    ['shop@example.org', true],
    [' shop@example.org , @example.com ', true],
    ['example.org', false],
    ['@localhost', false],
    ['@bücher.example,o&leary@example.org', true],
    ['@-books.example', false],
    ['Shop <shop@example.org>', false],
    ['*', false],
  ])('%s: %s', (list, valid) => {
    expect(isSenderList(list)).toBe(valid);
  });

  const senders = new AllowedSenders({
    list: 'Shop@example.org, @news.example.com',
    sender: 'Tidings <hello@tidings.example>',
  });
  test.each([
    ['the sender of all mail', 'hello@tidings.example', true],
    ['it under another name', 'Ada <HELLO@tidings.example>', true],
    ['an address of the list, in other case', 'Shop <shop@EXAMPLE.org>', true],
    ['any address of a domain', 'ada+1@news.example.com', true],
    ['another address of the sender’s domain', 'eve@tidings.example', false],
    ['a domain below', 'ada@x.news.example.com', false],
    ['a domain that ends alike', 'ada@evilnews.example.com', false],
    ['what is no mailbox', '@news.example.com', false],
  ])('%s', (_what, from, allowed) => {
    expect(senders.allows(from)).toBe(allowed);
    expect(senders.refusalOf(from) === undefined).toBe(allowed);
  });

  test('compares international domains in one form', () => {
    const own = new AllowedSenders({ list: '@bücher.example', sender: '"A, B" <hello@grüße.example>' });
    expect(own.allows('a@xn--bcher-kva.example')).toBe(true);
    expect(own.allows('a@BÜCHER.example')).toBe(true);
    expect(own.allows('Hello <hello@xn--gre-6ka8l.example>')).toBe(true);
  });

  test('without a list allows its own sender alone, whoever asks', () => {
    const own = new AllowedSenders({ sender: 'hello@tidings.example' });
    expect(own.allows('hello@tidings.example')).toBe(true);
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.emailAddress()), (from) => {
        expect(own.allows(from)).toBe(mailboxOf(from)?.address.toLowerCase() === 'hello@tidings.example');
      }),
    );
  });
});
