import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LATENCY_CLASSES_MS, latencyQuantile } from '../../../shared/store/index.ts';

/** What is counted of latencies in milliseconds, as the books do it. */
function counted(latencies: readonly number[]): { latency: Record<string, number> } {
  const latency: Record<string, number> = {};
  for (const ms of latencies) {
    const place = LATENCY_CLASSES_MS.findIndex((end) => ms <= end);
    const key = String(place === -1 ? LATENCY_CLASSES_MS.length : place);
    latency[key] = (latency[key] ?? 0) + 1;
  }
  return { latency };
}

describe('the quantile of a latency', () => {
  test('is in the same class as the true one', () => {
    const some = fc.array(fc.integer({ min: 0, max: 80_000_000 }), { minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(some, fc.constantFrom(0.5, 0.95), (latencies, share) => {
        const sorted = [...latencies].sort((a, b) => a - b);
        const exact = sorted[Math.ceil(share * sorted.length) - 1] ?? 0;
        const classOf = (ms: number) => LATENCY_CLASSES_MS.findIndex((end) => ms <= end);
        const near = latencyQuantile([counted(latencies)], share) ?? -1;
        expect(classOf(near)).toBe(classOf(exact));
      }),
    );
  });
  test('adds up what several channels and minutes have counted', () => {
    const [fast, slow] = [counted(Array<number>(99).fill(8)), counted([50_000])];
    expect(latencyQuantile([fast, slow], 0.5)).toBeLessThanOrEqual(10);
    expect(latencyQuantile([fast, slow], 1)).toBe(60_000);
  });
  test('is unknown where nothing was sent', () => {
    expect(latencyQuantile([{}, { accepted: 3 }], 0.5)).toBeUndefined();
  });
});
