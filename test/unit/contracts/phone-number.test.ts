import fc from 'fast-check';
import { getCountries, getExampleNumber } from 'libphonenumber-js/max';
import examples from 'libphonenumber-js/mobile/examples';
import { describe, expect, test } from 'vitest';
import {
  canonicalPhone,
  notificationRequestSchema,
  quickSmsSchema,
} from '../../../shared/contracts/index.ts';
import { digestOfRecipient, suppressionIdOf } from '../../../shared/store/index.ts';

const sms = { user_id: 'u1', type: 'sms', message: 'Hello' };
const read = (phone: string): string | undefined =>
  notificationRequestSchema.safeParse({ ...sms, phone }).data?.phone;

describe('A phone number', () => {
  test.each([
    ['+330612345678', '+33612345678'],
    ['+33612345678', '+33612345678'],
    ['+49015123456789', '+4915123456789'],
    ['+49 0151 23456789', '+4915123456789'],
    ['+610412345678', '+61412345678'],
    ['+4402079460018', '+442079460018'],
    ['+44 (0)20 7946 0018', '+442079460018'],
    ['+1 (202) 555-0123', '+12025550123'],
    ['+12025550123', '+12025550123'],
    ['+5215512345678', '+525512345678'],
    ['+52 1 55 1234 5678', '+525512345678'],
    ['+52 (1) 55 1234-5678', '+525512345678'],
    ['+52-1-55-1234-5678', '+525512345678'],
    ['+521 (55) 1234.5678', '+525512345678'],
    ['+52 55 1234 5678', '+525512345678'],
    // Italy keeps its 0 abroad; without it the number is another one.
    ['+390612345678', '+390612345678'],
    ['+39 06 1234 5678', '+390612345678'],
  ])('%s is read as %s, whichever way it came in', (written, canonical) => {
    expect(read(written)).toBe(canonical);
    expect(quickSmsSchema.parse({ phone: written, message: 'm', user_id: 'u' }).phone).toBe(canonical);
    expect(suppressionIdOf('sms', written)).toBe(suppressionIdOf('sms', canonical));
    expect(digestOfRecipient('sms', written)).toBe(digestOfRecipient('sms', canonical));
  });

  test.each([
    '0151 1234',
    '12025550123',
    '+1999',
    '+1202555012',
    '+120255501234567',
    'tel:+12025550123',
    'call +12025550123',
    '+12025550123;ext=4',
    '+12025550123 x4',
    '+１２０２５５５０１２３',
    '+',
    '',
  ])('is refused: %j', (phone) => {
    expect(read(phone)).toBeUndefined();
  });

  test('is accepted in E.164 as every country writes it, and stays as it is', () => {
    for (const country of getCountries()) {
      const number = getExampleNumber(country, examples)?.number;
      if (number !== undefined) expect(read(number), country).toBe(number);
    }
  });

  test('that is accepted is its own canonical form', () => {
    const numbers = fc.tuple(
      fc.constantFrom('33', '49', '61', '39', '44', '1', '52', '54', '55', '225', '378', '7'),
      fc.stringMatching(/^0?[0-9]{7,11}$/),
    );
    fc.assert(
      fc.property(numbers, ([code, rest]) => {
        const phone = read(`+${code}${rest}`);
        if (phone === undefined) return;
        expect(phone).toMatch(/^\+[1-9]\d{6,14}$/);
        expect(canonicalPhone(phone)).toBe(phone);
        expect(read(phone)).toBe(phone);
      }),
      { numRuns: 2_000 },
    );
  });
});
