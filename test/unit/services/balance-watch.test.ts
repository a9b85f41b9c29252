import { expect, test } from 'vitest';
import { BalanceWatch } from '../../../services/producer/stats/balance-watch.ts';

test('a drift is moving at first, and differs when it lasts and is more than what was lately accepted', () => {
  const watch = new BalanceWatch();
  expect(watch.judge(0, 0, 0)).toBe('balances');
  expect(watch.judge(700, 30_000, 1_000)).toBe('moving');
  // Also after minutes, while so many are accepted.
  expect(watch.judge(700, 30_000, 200_000)).toBe('moving');
  expect(watch.judge(-7, 3, 200_000)).toBe('differs');
  expect(watch.judge(0, 3, 201_000)).toBe('balances');
  expect(watch.judge(7, 3, 202_000)).toBe('moving');
  expect(watch.judge(7, 3, 207_000)).toBe('differs');
});
