import { expect, test } from 'vitest';
import { retryAfterSecondsOf } from '../../../shared/runtime/retry-after.ts';

const NOW = Date.parse('2026-01-01T10:00:00Z');

test.each([
  ['7', 7],
  ['0', 0],
  ['Thu, 01 Jan 2026 10:00:30 GMT', 30],
  ['Thu, 01 Jan 2026 09:00:00 GMT', 0],
  ['', undefined],
  ['-1', undefined],
  ['soon', undefined],
  ['2026', 2026],
  ['2026-01-01', undefined],
  [undefined, undefined],
])('Retry-After %j is %s s', (value, seconds) => {
  expect(retryAfterSecondsOf(value, NOW)).toBe(seconds);
});
