import { isValidPhoneNumber, parsePhoneNumberFromString } from 'libphonenumber-js/max';
import { z } from 'zod';
import { requiredString } from './fields.ts';

/** An international number as people write it: digits, and what they put between them. At most 15 digits (ITU-T E.164 §6), a 0 in brackets and separators. */
const WRITTEN = /^\+[0-9][0-9 ().\u00a0-]{5,30}$/;

/** Prefixes of mobile numbers that were given up. Mexico: the 1 went in August 2019 (IFT, Plan Técnico Fundamental de Numeración). */
const GIVEN_UP: readonly (readonly [RegExp, string])[] = [
  [/^\+52[ ().\u00a0-]*1(?=(?:[ ().\u00a0-]*\d){10}$)/, '+52'],
];

/**
 * The one form of a number that is stored, compared, limited, suppressed and sent to: E.164 without a trunk prefix, so that +44 0 20… and +44 20…
 * are one. A country that keeps its 0 abroad, such as Italy, keeps it here. What is no number comes back unchanged.
 */
export function canonicalPhone(text: string): string {
  const today = GIVEN_UP.reduce((left, [prefix, instead]) => left.replace(prefix, instead), text);
  const number = WRITTEN.test(text) ? parsePhoneNumberFromString(today) : undefined;
  return number?.isValid() ? number.number : text;
}

/** A number in E.164 that its country's plan has; read in its canonical form. */
export const phoneNumber = z
  .string({ error: requiredString })
  .overwrite(canonicalPhone)
  .regex(WRITTEN, { error: 'must be an E.164 number such as +15005550006', abort: true })
  .refine((phone) => isValidPhoneNumber(phone), {
    error: 'is not a number of its country’s plan',
  });
