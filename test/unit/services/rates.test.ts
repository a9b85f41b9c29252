import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { latencyQuantile, roundedUp, type Latencies } from '../../../shared/store/index.ts';

/** What is kept of latencies in milliseconds, as the books do it. */
function kept(latencies: readonly number[]): Latencies {
  const took: Record<string, number> = {};
  for (const ms of latencies) took[roundedUp(ms)] = (took[roundedUp(ms)] ?? 0) + 1;
  return { took, slowest_ms: Math.max(...latencies) };
}

describe('the quantile of a latency', () => {
  test('is the true one or less than a tenth above it, and never above the slowest', () => {
    const some = fc.array(fc.integer({ min: 0, max: 80_000_000 }), { minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(some, fc.constantFrom(0.5, 0.95), (latencies, share) => {
        const sorted = [...latencies].sort((a, b) => a - b);
        const exact = sorted[Math.ceil(share * sorted.length) - 1] ?? 0;
        const near = latencyQuantile([kept(latencies)], share) ?? -1;
        expect(near).toBeGreaterThanOrEqual(exact);
        expect(near).toBeLessThanOrEqual(Math.min(exact * 1.1, Math.max(...latencies)));
      }),
    );
  });
  test.each([174, 150_200])('of a single one of %d ms is what it took', (ms) => {
    expect([0.5, 0.95].map((share) => latencyQuantile([kept([ms])], share))).toEqual([ms, ms]);
  });
  test('adds up what several channels and minutes have counted', () => {
    const [fast, slow] = [kept(Array<number>(99).fill(8)), kept([50_001])];
    expect(latencyQuantile([fast, slow], 0.5)).toBe(8);
    expect(latencyQuantile([fast, slow], 1)).toBe(50_001);
  });
  test('is unknown where nothing was sent', () => {
    expect(latencyQuantile([{}, {}], 0.5)).toBeUndefined();
  });
});

test.each([
  [0, 0],
  [1, 1],
  [99, 99],
  [100, 100],
  [101, 110],
  [991, 1_000],
  [1_001, 1_100],
  [150_200, 160_000],
])('%d ms are kept as %d', (ms, as) => {
  expect(roundedUp(ms)).toBe(as);
});
