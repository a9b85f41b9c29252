import { expect, test } from 'vitest';
import { segmentsOf } from '../../../shared/contracts/index.ts';

test.each([
  ['an empty text', '', 'GSM-7', 1],
  ['160 basic characters', 'a'.repeat(160), 'GSM-7', 1],
  ['161 basic characters', 'a'.repeat(161), 'GSM-7', 2],
  ['306 basic characters', 'a'.repeat(306), 'GSM-7', 2],
  ['307 basic characters', 'a'.repeat(307), 'GSM-7', 3],
  ['80 extension characters, two septets each', '€'.repeat(80), 'GSM-7', 1],
  ['81 extension characters', '€'.repeat(81), 'GSM-7', 2],
  // 153 septets do not divide by 2: a character is not split, so a segment holds 76.
  ['153 extension characters', '€'.repeat(153), 'GSM-7', 3],
  ['70 characters outside GSM', 'ж'.repeat(70), 'UCS-2', 1],
  ['71 characters outside GSM', 'ж'.repeat(71), 'UCS-2', 2],
  ['35 emoji, two units each', '🙂'.repeat(35), 'UCS-2', 1],
  ['36 emoji', '🙂'.repeat(36), 'UCS-2', 2],
])('%s', (_what, text, encoding, count) => {
  expect(segmentsOf(text)).toEqual({ encoding, count });
});
