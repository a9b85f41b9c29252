import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  canonicalEmail,
  fieldErrors,
  meetRequestSchema,
  notificationRequestSchema,
  quickEmailSchema,
} from '../../../shared/contracts/index.ts';
import { suppressionIdOf } from '../../../shared/store/index.ts';

const mail = { user_id: 'u1', type: 'email', message: 'Hello' };

/** What the API makes of an address: its canonical form, or the error. */
function read(email: unknown): { email?: string | undefined; error?: string | undefined } {
  const { data, error } = notificationRequestSchema.safeParse({ ...mail, email });
  return data
    ? { email: data.email }
    : {
        error: fieldErrors(error)
          .map(({ message }) => message)
          .join(),
      };
}

describe('An e-mail address', () => {
  test.each([
    'o&leary@example.org',
    'c/o@example.org',
    'a=b@example.org',
    'x~y@example.org',
    '#1@example.org',
    "!#$%&'*+/=?^_`{|}~-@example.org",
    'a.b.c@example.org',
    'info@example.xn--p1ai',
    'info@xn--bcher-kva.example',
    'a@b.c',
    'a@1.example.org',
    `${'l'.repeat(64)}@example.org`,
    `a@${'d'.repeat(63)}.example.org`,
  ])('is valid: %s', (email) => {
    expect(read(email)).toEqual({ email });
  });

  test.each([
    ['info@example.рф', 'info@example.xn--p1ai'],
    ['info@BÜCHER.example', 'info@xn--bcher-kva.example'],
    ['info@bücher。example', 'info@xn--bcher-kva.example'],
    ['info@straße.example', 'info@xn--strae-oqa.example'],
    ['Info@EXAMPLE.org', 'Info@example.org'],
    ['a@XN--BCHER-KVA.example', 'a@xn--bcher-kva.example'],
    ['a@ｅｘａｍｐｌｅ.org', 'a@example.org'],
  ])('is read in its canonical form: %s', (email, canonical) => {
    expect(read(email)).toEqual({ email: canonical });
    expect(suppressionIdOf('email', email)).toBe(suppressionIdOf('email', canonical));
    expect(
      quickEmailSchema.parse({ email_to: email, message: 'm', user_id: 'u', subject: 's' }).email_to,
    ).toBe(canonical);
    const meeting = {
      empid: 'e',
      emailID: email,
      message: 'm',
      empName: 'n',
      timestamp: (Date.now() / 1_000 + 60) | 0,
      meeting_id: '',
    };
    expect(meetRequestSchema.parse(meeting).emailID).toBe(canonical);
  });

  test.each([
    ['ada', 'it has no @'],
    ['@example.org', 'nothing is before the @'],
    ['ada@', 'nothing is behind the @'],
    ['.ada@example.org', 'a dot must stand between'],
    ['ada.@example.org', 'a dot must stand between'],
    ['a..b@example.org', 'a dot must stand between'],
    ['ada@.example.org', 'a dot must stand between'],
    ['ada@example..org', 'a dot must stand between'],
    ['ada@example.org.', 'a dot must stand between'],
    ['a b@example.org', 'must not have spaces or control characters'],
    ['ada@exam ple.org', 'must not have spaces or control characters'],
    [' ada@example.org', 'must not have spaces or control characters'],
    ['ada@example.org\n', 'must not have spaces or control characters'],
    ['a\u0000b@example.org', 'must not have spaces or control characters'],
    ['a@b@example.org', 'before the @ it must not have @'],
    ['a,b@example.org', 'before the @ it must not have ,'],
    ['"a b"@example.org', 'quotes before the @ are not supported'],
    ['grüße@example.org', 'ASCII characters only'],
    [`${'l'.repeat(65)}@example.org`, '65 characters before the @; at most 64'],
    [`a@${'d'.repeat(64)}.example.org`, '64 characters; at most 63'],
    [`a@${'ü'.repeat(60)}.example`, '66 characters; at most 63'],
    ['a@-b.example', '-b must begin and end with a letter or digit'],
    ['a@exa_mple.org', 'behind the @ it must not have _'],
    ['a@ex%41mple.org', 'behind the @ it must not have %'],
    ['a@example', 'two parts'],
    ['a@1.2.3.4', 'must not end with a number'],
    ['a@１.２.３.４', 'must not end with a number'],
    ['a@[192.0.2.1]', 'not the address of a host'],
    ['a@xn--zzzzzz999999.org', 'not a valid international domain'],
    ['a@a℀b.org', 'not a valid international domain'],
  ])('is refused with the reason: %j', (email, reason) => {
    expect(read(email).error).toContain('must be an e-mail address such as ada@example.org: ');
    expect(read(email).error).toContain(reason);
  });

  test('of more than 254 characters is refused', () => {
    expect(read(`a@${'d.'.repeat(130)}org`).error).toBe('must be at most 254 characters');
    expect(read(`a@${'ü.'.repeat(60)}org`).error).toContain('at most 254');
  });

  test('that is accepted is its own canonical form, in ASCII', () => {
    const anything = fc.oneof(
      fc.emailAddress(),
      fc
        .tuple(fc.string({ minLength: 1 }), fc.string({ unit: 'grapheme', minLength: 1 }))
        .map(([local, domain]) => `${local}@${domain}.org`),
    );
    fc.assert(
      fc.property(anything, (text) => {
        const { email } = read(text);
        if (email === undefined) return;
        expect(canonicalEmail(email)).toBe(email);
        expect(read(email)).toEqual({ email });
        expect(email).toMatch(/^[\x21-\x7e]+@[a-z0-9.-]+$/);
      }),
      { numRuns: 500 },
    );
  });
});
