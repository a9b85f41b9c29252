import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DriftWatch } from '../../../services/scheduler/dead-letters/drift.ts';

describe('DriftWatch', () => {
  test('judges nothing before the numbers had time to settle', () => {
    const watch = new DriftWatch();
    expect([0, 2_000, 8_000].map((now) => watch.judge({ dead: 9, messages: 3 }, now))).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect(watch.judge({ dead: 9, messages: 3 }, 10_000)).toEqual({ dead: 9, messages: 3 });
  });

  test('reports messages whose records were retried, once that has settled', () => {
    const watch = new DriftWatch();
    watch.judge({ dead: 9, messages: 9 }, 0);
    expect(watch.judge({ dead: 8, messages: 9 }, 10_000)).toBeUndefined();
    expect(watch.judge({ dead: 8, messages: 9 }, 20_000)).toEqual({ dead: 8, messages: 9 });
    expect(watch.judge({ dead: 8, messages: 8 }, 22_000)).toBeUndefined();
  });

  test('leaves a queue alone whose messages somebody looks at for a moment', () => {
    const watch = new DriftWatch();
    for (const [step, messages] of [9, 9, 0, 9, 9, 0, 9].entries())
      expect(watch.judge({ dead: 9, messages }, step * 5_000)).toBeUndefined();
  });

  test('leaves a queue alone while dead letters trickle in, however late each message comes', () => {
    // Each step of 2 s some die, and each message follows within the 8 s after.
    const steps = fc.array(fc.record({ died: fc.nat(50), lateSteps: fc.nat(4) }), { minLength: 10 });
    const property = fc.property(steps, (all) => {
      const watch = new DriftWatch();
      all.forEach((_, now) => {
        const dead = all.slice(0, now + 1).reduce((sum, { died }) => sum + died, 0);
        const messages = all
          .slice(0, now + 1)
          .reduce((sum, { died, lateSteps }, step) => sum + (step + lateSteps <= now ? died : 0), 0);
        expect(watch.judge({ dead, messages }, now * 2_000)).toBeUndefined();
      });
    });
    fc.assert(property);
  });
});
